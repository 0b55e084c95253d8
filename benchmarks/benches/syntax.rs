//! What the syntax of programs costs: extracting the sub-modules of 100 programs of ten functions each, hashing each of
//! the 1,000 functions up to the names of its local variables, and sorting them into five clusters.
//!
//! Then what a large pool costs: outlining and clustering more than 10,000 functions.
//!
//! Functions are of six shapes, three to ten lines long, with names and constants of their own.

use std::time::Duration;

use codeagent::modules::{Language, Module, Unit, cluster, clusters, extract, normalised_hash, outline};
use criterion::{Criterion, Throughput};

const PROGRAMS: usize = 100;
const FUNCTIONS_EACH: usize = 10;
const CLUSTERS: usize = 5;

/// Shapes of functions; `NAME` and `N` are filled in.
const SHAPES: [&str; 6] = [
    "def NAME(text):\n    \"\"\"The numbers in a text, in order.\"\"\"\n    words = text.replace(',', ' ').split()\n    return [int(word) + N for word in words if word.lstrip('-').isdigit()]\n",
    "def NAME(limit):\n    sieve = [True] * (limit + N)\n    for number in range(2, int(limit ** 0.5) + 1):\n        if sieve[number]:\n            for multiple in range(number * number, limit, number):\n                sieve[multiple] = False\n    return [number for number, prime in enumerate(sieve) if prime and number > 1]\n",
    "def NAME(graph, start):\n    distances = {start: 0}\n    queue = [start]\n    while queue:\n        node = queue.pop(0)\n        for neighbour in graph.get(node, ()):\n            if neighbour not in distances:\n                distances[neighbour] = distances[node] + N\n                queue.append(neighbour)\n    return distances\n",
    "def NAME(values, target):\n    low, high = 0, len(values) - 1\n    while low <= high:\n        middle = (low + high) // 2\n        if values[middle] == target:\n            return middle\n        if values[middle] < target:\n            low = middle + 1\n        else:\n            high = middle - 1\n    return -N\n",
    "def NAME(first, second):\n    table = [[N] * (len(second) + 1) for _ in range(len(first) + 1)]\n    for i, left in enumerate(first):\n        for j, right in enumerate(second):\n            if left == right:\n                table[i + 1][j + 1] = table[i][j] + 1\n            else:\n                table[i + 1][j + 1] = max(table[i][j + 1], table[i + 1][j])\n    return table[-1][-1]\n",
    "def NAME(matrix):\n    try:\n        rows = [list(row) for row in matrix]\n        turned = list(zip(*rows[::-1]))\n        return {'rows': turned, 'size': len(turned) * N, 'key': lambda cell: cell[0]}\n    except (TypeError, ValueError) as error:\n        raise ValueError(f'no matrix: {error}') from error\n",
];

fn main() {
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(5)).sample_size(20).configure_from_args();
    let programs: Vec<String> = (0..PROGRAMS).map(program).collect();
    let modules = extracted(&programs);
    assert_eq!(modules.len(), PROGRAMS * FUNCTIONS_EACH, "every function is reached");
    let mut group = criterion.benchmark_group("syntax");
    group.throughput(Throughput::Elements(modules.len() as u64));
    group.bench_function("extract", |bencher| bencher.iter(|| extracted(&programs)));
    group.bench_function("hash", |bencher| {
        bencher.iter(|| {
            modules.iter().map(|module| normalised_hash(&module.source)).fold(0, |all, one| all ^ one)
        });
    });
    group.bench_function("cluster", |bencher| bencher.iter(|| cluster(&modules, CLUSTERS, 7)));
    group.finish();
    many(&mut criterion);
    criterion.final_summary();
}

/// What `codeagent modules` does with a large pool. The mark is 2 s for all of it.
fn many(criterion: &mut Criterion) {
    let programs: Vec<String> = (0..10 * PROGRAMS).map(program).collect();
    let outlined = || -> Vec<Unit> {
        let outlines = programs.iter().filter_map(|program| outline(program, Language::Python));
        outlines.flat_map(|outline| outline.units).collect()
    };
    let count = outlined().len();
    assert!(count > 10 * PROGRAMS * FUNCTIONS_EACH, "every function is found");
    let mut group = criterion.benchmark_group("syntax-many");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    group.bench_function("outline-and-cluster", |bencher| {
        bencher.iter(|| {
            let units = outlined();
            clusters(&units.iter().collect::<Vec<_>>(), CLUSTERS, 7)
        });
    });
    group.finish();
}

fn extracted(programs: &[String]) -> Vec<Module> {
    programs.iter().flat_map(|program| extract(program, Some("solve"))).collect()
}

/// Ten functions and an entry point that calls them all.
fn program(number: usize) -> String {
    let names: Vec<String> = (0..FUNCTIONS_EACH).map(|index| format!("part_{number}_{index}")).collect();
    let functions = names.iter().zip(SHAPES.iter().cycle().skip(number % SHAPES.len()));
    let mut source = String::new();
    for (index, (name, shape)) in functions.enumerate() {
        source += &shape.replace("NAME", name).replace('N', &(number + index).to_string());
        source += "\n\n";
    }
    source + &format!("def solve(task):\n    return [part(task) for part in ({})]\n", names.join(", "))
}
