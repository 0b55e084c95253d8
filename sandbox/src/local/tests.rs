//! Layer by layer: with one switched off, the others still stop what it stops.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Arc;

use super::*;
use crate::program::Program;
use crate::run::{Outcome, Run, run_program};

const EACH: &[&str] = &["namespaces", "landlock", "seccomp"];

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
fn run(layers: Layers, source: &str) -> Outcome {
    execute(&sandbox_of(layers), source)
}

fn execute(sandbox: &Arc<dyn Sandbox>, source: &str) -> Outcome {
    let program = Program { source: source.to_owned(), entry: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run_program(sandbox, &Run { program, seed: 7, ..Run::default() })).unwrap()
}

/// Asserts that the attack (indented lines) ends in an `OSError` under all layers and without any one of `spare`, the
/// layers that others stand in for. Without any layer it must succeed, else this would prove nothing; unless the privileges
/// that are dropped at every level stop it, too.
fn check_lines(attack: &str, spare: &[&str], unlayered: &str) {
    let Some(all) = layers() else { return };
    let source = format!(
        "import os, socket\ntry:\n{attack}\n    print('done')\nexcept OSError:\n    print('stopped')"
    );
    let mut sets = vec![
        ("nothing", all, "stopped\n"),
        ("namespaces", Layers { namespaces: false, ..all }, "stopped\n"),
        ("landlock", Layers { landlock: None, ..all }, "stopped\n"),
        ("seccomp", Layers { seccomp: false, ..all }, "stopped\n"),
    ];
    sets.retain(|(missing, ..)| *missing == "nothing" || spare.contains(missing));
    sets.push(("all", Layers { namespaces: false, landlock: None, seccomp: false }, unlayered));
    for (missing, layers, expected) in sets {
        let done = execute(&sandbox_of(layers), &source);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(String::from_utf8_lossy(&done.stdout), expected, "without {missing}: {stderr}");
    }
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

#[test]
fn no_process_is_made() {
    check_lines(
        "    child = os.fork()\n    if child == 0: os._exit(0)\n    os.waitpid(child, 0)",
        &["namespaces", "landlock"],
        "done\n",
    );
}

#[test]
fn nobody_becomes_somebody_else() {
    check_lines("    os.setuid(1)\n    os.setuid(2)", EACH, "stopped\n");
}

#[test]
fn raw_sockets_are_not_made() {
    check_lines("    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", EACH, "stopped\n");
}

#[test]
fn unix_sockets_of_the_host_are_not_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    // Landlock does not see this one: without namespaces it is left to seccomp.
    check_lines(
        &format!("    socket.socket(socket.AF_UNIX).connect({path:?})"),
        &["namespaces", "landlock"],
        "done\n",
    );
}

#[test]
fn memory_of_other_processes_is_not_read() {
    let libc = "    import ctypes\n    libc = ctypes.CDLL(None, use_errno=True)\n";
    let victim = std::process::id();
    // Without its privileges root may not, while another user may read what is its own.
    let unlayered = if rustix::process::geteuid().is_root() { "stopped\n" } else { "done\n" };
    // PTRACE_SEIZE, which does not stop its victim.
    let attach = format!(
        "{libc}    if libc.ptrace(0x4206, {victim}, 0, 0) < 0: raise OSError(ctypes.get_errno(), 'no')"
    );
    check_lines(&attach, EACH, unlayered);
    let read = format!(
        "{libc}    buffer = ctypes.create_string_buffer(8)\n    pair = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)\n    there = (ctypes.c_void_p * 2)({}, 8)\n    if libc.process_vm_readv({victim}, pair, 1, there, 1, 0) < 0: raise OSError(ctypes.get_errno(), 'no')",
        &raw const VICTIM as usize
    );
    check_lines(&read, EACH, unlayered);
}

static VICTIM: [u8; 8] = *b"a secret";

#[test]
fn shared_memory_does_not_survive_a_run() {
    let key = 0x5eed_0000 | (std::process::id() & 0xffff);
    let source = format!(
        "import ctypes\nlibc = ctypes.CDLL(None)\nfound = libc.shmget({key}, 64, 0)\nmade = libc.shmget({key}, 64, 0o1666)\nprint(found >= 0, made >= 0)"
    );
    let Some(all) = layers() else { return };
    let sandbox = sandbox_of(Layers { seccomp: false, ..all });
    for _ in 0..2 {
        assert_eq!(execute(&sandbox, &source).stdout, b"False True\n");
    }
    let sandbox = sandbox_of(Layers { namespaces: false, ..all });
    assert_eq!(execute(&sandbox, &source).stdout, b"False False\n");
}
