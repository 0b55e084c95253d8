use super::*;

const CONFIG: EncoderConfig = EncoderConfig {
    tokens: Tokens::Bytes,
    width: 16,
    layers: 2,
    heads: 2,
    inner: 24,
    problem_tokens: 12,
    program_tokens: 24,
};

fn encoder() -> Encoder {
    Encoder::new(CONFIG, Weights::draw(&CONFIG.slots(), 7).unwrap()).unwrap()
}

fn rows(tensor: &Tensor) -> Vec<Vec<f32>> {
    tensor.to_vec2().unwrap()
}

/// States of a program's tokens by the differentiable forward.
fn slow(encoder: &Encoder, encoded: &Encoded, batch: &Batch, row: usize) -> Vec<Vec<f32>> {
    let states = encoder.states(batch).unwrap().get(row).unwrap();
    rows(&states.narrow(0, encoded.before.len(), encoded.program.len()).unwrap())
}

#[test]
fn the_two_forwards_agree() {
    let encoder = encoder();
    let programs = ["x = 1", "while True: pass # and more than is read", ""];
    let fast = encoder.read("add one", &programs).unwrap();
    let encoded: Vec<Encoded> = programs.iter().map(|it| CONFIG.encode("add one", it)).collect();
    let batch = Batch::of(&encoded.iter().collect::<Vec<_>>()).unwrap();
    for (row, (fast, encoded)) in fast.iter().zip(&encoded).enumerate() {
        let (fast, slow) = (rows(&fast.hidden), slow(&encoder, encoded, &batch, row));
        assert_eq!(fast.len(), slow.len());
        for (one, other) in fast.iter().flatten().zip(slow.iter().flatten()) {
            assert!((one - other).abs() < 1e-4, "{one} and {other}");
        }
    }
}

#[test]
fn neighbours_change_no_bit_of_a_state_and_padding_next_to_nothing() {
    let encoder = encoder();
    let read = |programs: &[&str], at: usize| rows(&encoder.read("add one", programs).unwrap()[at].hidden);
    assert_eq!(read(&["x = 1"], 0), read(&["something else", "x = 1"], 1));
    // Matrices of other heights are multiplied by other kernels, so not to the bit.
    let encoded = CONFIG.encode("add one", "x = 1");
    let alone = slow(&encoder, &encoded, &Batch::of(&[&encoded]).unwrap(), 0);
    let padded = slow(&encoder, &encoded, &Batch::padded(&[&encoded], 9).unwrap(), 0);
    for (one, other) in alone.iter().flatten().zip(padded.iter().flatten()) {
        assert!((one - other).abs() < 1e-5, "{one} and {other}");
    }
}

#[test]
fn states_of_a_prefix_are_those_of_the_whole() {
    let encoder = encoder();
    let read = |program| rows(&encoder.read("p", &[program]).unwrap()[0].hidden);
    let (prefix, whole) = (read("x = "), read("x = 1"));
    for (one, other) in prefix[..4].iter().flatten().zip(whole[..4].iter().flatten()) {
        assert!((one - other).abs() < 1e-5);
    }
}

#[test]
fn the_same_seed_draws_the_same_weights() {
    let draw = |seed| {
        let weights = Weights::draw(&CONFIG.slots(), seed).unwrap();
        weights
            .iter()
            .map(|(_, var)| var.flatten_all().unwrap().to_vec1::<f32>().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn impossible_shapes_are_told() {
    assert_eq!(CONFIG.fault(), None);
    assert_eq!(EncoderConfig::default().fault(), None);
    for config in [
        EncoderConfig { width: 15, ..CONFIG },
        EncoderConfig { heads: 0, ..CONFIG },
        EncoderConfig { layers: 0, ..CONFIG },
        EncoderConfig { program_tokens: usize::MAX, ..CONFIG },
        EncoderConfig { tokens: Tokens::Lexemes { buckets: u32::MAX }, ..CONFIG },
    ] {
        assert!(config.fault().is_some(), "{config:?}");
    }
}
