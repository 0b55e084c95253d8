//! Whatever pointers and lengths a program passes, the host's functions answer; they never panic.

use proptest::prelude::*;

use super::*;
use crate::limits::Limits;

const MEMORY_BYTES: usize = 4096;

fn host(files: Files) -> Host {
    Host::new(Start {
        stdin: b"input".to_vec(),
        limits: Limits::default(),
        memory_base: 0,
        seed: 7,
        line: None,
        files,
        environment: vec!["A=1", "B=2"],
    })
}

fn library() -> Files {
    let mut files = Files::none();
    files.insert("lib/os.py", b"import abc".to_vec());
    files
}

/// Small numbers, addresses near the end of memory, and anything else.
fn argument() -> impl Strategy<Value = u32> {
    prop_oneof![0..64_u32, 0..5000_u32, u32::MAX - 64..=u32::MAX, any::<u32>()]
}

proptest! {
    #[test]
    fn any_pointer_is_answered(
        mut memory in proptest::collection::vec(any::<u8>(), MEMORY_BYTES),
        [a, b, c, d, e] in proptest::array::uniform5(argument()),
        long in any::<u64>(),
        with_files in any::<bool>(),
    ) {
        let mut host = host(if with_files { library() } else { Files::none() });
        let mut guest = Guest::new(&mut memory);
        let guest = &mut guest;
        let buffer = crate::wasm::guest::Buffer { at: b, length: c };
        let _ = host.fd_read(guest, a % 20, b, c, d);
        let _ = host.fd_write(guest, a % 20, b, c, d);
        let _ = host.fd_seek(guest, a % 20, long.cast_signed(), b % 4, c);
        let _ = host.fd_fdstat_get(guest, a % 20, b);
        let _ = host.fd_filestat_get(guest, a % 20, b);
        let _ = host.path_open(guest, a % 20, buffer, (d, long), e);
        let _ = host.path_filestat_get(guest, a % 20, buffer, d);
        let _ = host.fd_readdir(guest, a % 20, buffer, long, d);
        let _ = Host::fd_prestat_get(guest, a % 8, b);
        let _ = Host::fd_prestat_dir_name(guest, a % 8, b, c);
        let _ = host.environ_get(guest, a, b);
        let _ = host.environ_sizes_get(guest, a, b);
        let _ = host.random_get(guest, a, b % 8192);
        let _ = host.clock_time_get(guest, a);
        let _ = host.poll_oneoff(guest, a, b, c % 80, d);
        let _ = host.fd_close(a % 20);
        prop_assert!(host.refusals.len() <= REFUSALS_MAX);
    }
}

/// Memory that begins with a list of one buffer, which is the rest of it.
fn with_buffer(contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap();
    [&16_u32.to_le_bytes(), &length.to_le_bytes(), &[0_u8; 8][..], contents].concat()
}

#[test]
fn output_is_cut_at_its_limit() {
    let mut host = host(Files::none());
    let limit = Limits::default().output_bytes;
    let mut memory = with_buffer(&vec![b'x'; limit]);
    assert_eq!(host.fd_write(&mut Guest::new(&mut memory), 1, 0, 1, 8), Ok(()));
    let again = host.fd_write(&mut Guest::new(&mut memory), 1, 0, 1, 8);
    assert_eq!(again, Err(Stop::OutputLimit.into()));
    assert_eq!(host.leave().stdout.len(), limit);
}

#[test]
fn stdin_is_read_to_its_end() {
    let mut host = host(Files::none());
    let mut memory = with_buffer(&[0; 16]);
    assert_eq!(host.fd_read(&mut Guest::new(&mut memory), 0, 0, 1, 8), Ok(()));
    assert_eq!((&memory[16..21], memory[8]), (&b"input"[..], 5));
    assert_eq!(host.fd_read(&mut Guest::new(&mut memory), 0, 0, 1, 8), Ok(()));
    assert_eq!(memory[8], 0);
}

#[test]
fn files_are_refused_and_the_refusal_is_written_down_once() {
    let mut host = host(Files::none());
    let mut memory = b"etc/passwd\0\0\0\0\0\0".to_vec();
    let path = crate::wasm::guest::Buffer { at: 0, length: 10 };
    for _ in 0..2 {
        let opened = host.path_open(&mut Guest::new(&mut memory), 4, path, (0, 2), 12);
        assert_eq!(opened, Err(Errno::NoEntry.into()));
    }
    let written = host.path_open(&mut Guest::new(&mut memory), 4, path, (1, 64), 12);
    assert_eq!(written, Err(Errno::Access.into()));
    assert_eq!(host.leave().refusals, ["open etc/passwd", "write etc/passwd"]);
}

#[test]
fn a_seed_fixes_randomness() {
    let draw = || {
        let mut memory = vec![0; 32];
        host(Files::none()).random_get(&mut Guest::new(&mut memory), 0, 32).unwrap();
        memory
    };
    assert_eq!(draw(), draw());
    assert_ne!(draw(), vec![0; 32]);
}

#[test]
fn memory_above_the_limit_is_refused() {
    let mut host = host(Files::none());
    let limit = 256 << 20;
    assert!(host.limiter().memory_growing(0, limit, None).unwrap());
    assert!(!host.limiter().memory_growing(limit, limit + 1, None).unwrap());
    let left = host.leave();
    assert_eq!((left.memory_refused, left.memory_peak), (true, limit));
}
