//! Layer by layer: with one switched off, the others still stop what it stops.

use std::sync::Arc;

use super::*;
use crate::execute::{Execution, run_program};
use crate::limits::Limits;
use crate::program::Program;

/// The layers of a test, all on at first.
fn layers() -> Option<Layers> {
    let strict = LocalSandbox::new(LocalConfig { level: Some(Level::Strict), ..LocalConfig::default() });
    match strict {
        Ok(sandbox) => Some(sandbox.setup.layers),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Runs the source under these layers only.
fn run(layers: Layers, source: &str) -> Execution {
    let setup = Setup::new(interpreter::find(None).unwrap(), layers).unwrap();
    let sandbox: Arc<dyn Sandbox> = Arc::new(LocalSandbox::with(setup, Level::None, Vec::new()));
    let program = Program { source: source.to_owned(), entry: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run_program(&sandbox, &program, b"", Limits::default(), 7)).unwrap()
}

/// Asserts that the attack prints `stopped` whichever single layer is missing.
fn check(attack: &str) {
    let Some(all) = layers() else { return };
    let each = [
        ("namespaces", Layers { namespaces: false, ..all }),
        ("landlock", Layers { landlock: None, ..all }),
        ("seccomp", Layers { seccomp: false, ..all }),
    ];
    for (missing, layers) in each {
        let done = run(layers, attack);
        let stdout = String::from_utf8_lossy(&done.stdout);
        assert_eq!(stdout, "stopped\n", "without {missing}: {done:?}");
    }
}

#[test]
fn smoke() {
    let Some(all) = layers() else { return };
    let done = run(all, "import os\nprint(os.getpid(), os.getuid(), dict(os.environ), os.listdir('/'), os.getcwd())");
    eprintln!("{done:?} {}", String::from_utf8_lossy(&done.stdout));
    assert!(done.verdict.is_passed());
}

#[test]
fn host_files_stay_unread_without_any_one_layer() {
    check("try:\n  open('/etc/passwd').read()\n  print('read')\nexcept OSError:\n  print('stopped')");
}
