//! Layer by layer: with one switched off, the others still stop what it stops.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Arc;

use super::*;
use crate::execute::{Execution, run_program};
use crate::limits::Limits;
use crate::program::Program;

/// All layers, or `None` with a notice where this machine lacks one. In CI that is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(super) fn layers() -> Option<Layers> {
    let config = LocalConfig { level: Some(Level::Strict), ..LocalConfig::default() };
    match LocalSandbox::new(config) {
        Ok(sandbox) => Some(sandbox.pool.setup().layers),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// A sandbox with these layers only.
pub(super) fn sandbox_of(layers: Layers) -> Arc<dyn Sandbox> {
    let setup = Setup::new(interpreter::find(None).unwrap(), layers).unwrap();
    Arc::new(LocalSandbox::with(Pool::new(Arc::new(setup), 1), Level::None, Vec::new()))
}

/// Runs the source under these layers only.
fn run(layers: Layers, source: &str) -> Execution {
    let sandbox = sandbox_of(layers);
    let program = Program { source: source.to_owned(), entry: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run_program(&sandbox, &program, b"", Limits::default(), 7)).unwrap()
}

/// Asserts that the attack is answered with an `OSError` whichever single layer is missing, and that it succeeds where
/// all are: else it would prove nothing.
fn check(attack: &str) {
    let Some(all) = layers() else { return };
    let source = format!(
        "import os, socket\ntry:\n    {attack}\n    print('done')\nexcept OSError:\n    print('stopped')"
    );
    let none = Layers { namespaces: false, landlock: None, seccomp: false };
    let each = [
        ("all", none, "done\n"),
        ("namespaces", Layers { namespaces: false, ..all }, "stopped\n"),
        ("landlock", Layers { landlock: None, ..all }, "stopped\n"),
        ("seccomp", Layers { seccomp: false, ..all }, "stopped\n"),
    ];
    for (missing, layers, expected) in each {
        let done = run(layers, &source);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(String::from_utf8_lossy(&done.stdout), expected, "without {missing}: {stderr}");
    }
}

#[test]
fn files_of_the_host_are_not_read() {
    check("open('/etc/passwd').read()");
}

#[test]
fn files_of_the_host_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    check(&format!("open({:?}, 'w').close()", folder.path().join("new")));
}

#[test]
fn tcp_does_not_reach_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    check(&format!("socket.create_connection(('127.0.0.1', {}), 5)", listener.local_addr().unwrap().port()));
}

#[test]
fn abstract_sockets_do_not_reach_the_host() {
    let name = format!("codeagent-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    check(&format!("socket.socket(socket.AF_UNIX).connect('\\0{name}')"));
}

#[test]
fn processes_of_the_host_are_not_signalled() {
    check(&format!("os.kill({}, 0)", std::process::id()));
}

#[test]
fn no_other_program_is_run() {
    check("os.spawnv(os.P_WAIT, '/bin/sh', ['sh', '-c', 'exit 0']) == 0 or os.open('/nonexistent', 0)");
}
