//! The local back-end as its users see it. Where the machine lacks Python or a layer the tests skip with a notice, but
//! not in CI.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests; a skipped one says so")]

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use codeagent_sandbox::local::{LocalConfig, LocalSandbox};
use codeagent_sandbox::session::Level;
use codeagent_sandbox::{
    Cause, Clock, Exchange, Limits, Open, Outcome, Program, Run, Sandbox, SandboxError, Verdict, run_program,
};

/// Set in a copy of this test binary that runs one test alone.
const ALONE: &str = "CODEAGENT_TEST_ALONE";
/// Longest wait for something that ought to happen at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// Zygotes of a sandbox in these tests: one of the rehearsal, and one of the seed that they use.
const ZYGOTES: usize = 2;

/// One for all tests of a level, so that they also test each other's traces.
fn sandbox(level: Option<Level>) -> Option<Arc<dyn Sandbox>> {
    type Made = (Option<Level>, Option<Arc<dyn Sandbox>>);
    static SANDBOXES: Mutex<Vec<Made>> = Mutex::new(Vec::new());
    let mut sandboxes = SANDBOXES.lock().unwrap();
    if let Some((_, found)) = sandboxes.iter().find(|(made, _)| *made == level) {
        return found.clone();
    }
    let made = fresh(level);
    sandboxes.push((level, made.clone()));
    made
}

/// A sandbox of one's own.
fn fresh(level: Option<Level>) -> Option<Arc<dyn Sandbox>> {
    match LocalSandbox::new(LocalConfig { level, i_accept_no_isolation: true, ..LocalConfig::default() }) {
        Ok(sandbox) => Some(Arc::new(sandbox)),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

async fn run_in(sandbox: &Arc<dyn Sandbox>, source: &str, limits: Limits) -> Outcome {
    let program = Program { source: source.to_owned(), entry: None };
    let run = Run { program, stdin: b"3 4\n".to_vec(), limits, seed: 7, ..Run::default() };
    run_program(sandbox, &run).await.unwrap()
}

/// Runs the source at both levels that isolate and checks its verdict.
async fn check(source: &str, limits: Limits, expected: impl Fn(&Outcome) -> bool) {
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let done = run_in(&sandbox, source, limits).await;
        let text = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(expected(&done), "{level:?}: {source}: {:?} {:?} {text:?}", done.verdict, done.usage);
    }
}

/// Checks that the program passes and prints this.
async fn prints(source: &str, expected: &str) {
    check(source, Limits::default(), |done| done.verdict.is_passed() && done.stdout == expected.as_bytes())
        .await;
}

/// Checks that the program ends with this class of verdict.
async fn ends(source: &str, limits: Limits, class: &str) {
    check(source, limits, |done| done.verdict.class() == class).await;
}

/// Waits for a condition that comes about by itself.
fn await_that(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// Whether a process with this name lives.
fn lives(name: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut names = processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok());
    names.any(|found| found.trim() == name)
}

/// Python that gives its process this name.
fn named(name: &str) -> String {
    format!("import ctypes, os, time\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\n")
}

/// A copy of this test binary that runs only this test, with [`ALONE`] set.
fn alone(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").stdout(Stdio::null());
    command
}

fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

#[tokio::test]
async fn a_program_reads_computes_and_prints() {
    prints("print(sum(map(int, input().split())))", "7\n").await;
    prints("print(open('/dev/stdin').read(), end='')", "3 4\n").await;
    prints("import threading\nt = threading.Thread(target=print, args=(5,))\nt.start()\nt.join()", "5\n")
        .await;
    prints(
        "import tempfile\nf = tempfile.TemporaryFile()\nf.write(b'abc')\nf.seek(0)\nprint(f.read())",
        "b'abc'\n",
    )
    .await;
    prints(
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 6\nprint(asyncio.run(f()))",
        "6\n",
    )
    .await;
}

#[tokio::test]
async fn files_lie_in_the_program_s_folder() {
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let source =
            "print(open('a.txt').read(), open('data/b.bin', 'rb').read())\nopen('a.txt', 'a').write('!')";
        let program = Program { source: source.to_owned(), entry: None };
        let files = [("a.txt", &b"one"[..]), ("data/b.bin", &[0, 255])];
        let files = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).into();
        let run = Run { program, files, ..Run::default() };
        // The second run finds what was given and not what the first left.
        for _ in 0..2 {
            let done = run_program(&sandbox, &run).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&done.stdout), "one b'\\x00\\xff'\n", "{level:?}");
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_hash_order() {
    let Some(sandbox) = sandbox(None) else { return };
    let source = "print(hash('a'), list({str(i) for i in range(50)}))";
    let first = run_in(&sandbox, source, Limits::default()).await;
    assert_eq!(first.stdout, run_in(&sandbox, source, Limits::default()).await.stdout);
}

#[tokio::test]
async fn the_environment_is_empty_and_nothing_is_open() {
    prints("import os\nprint(dict(os.environ), os.environb)", "{} environ({})\n").await;
    let probe = "import os\nfound = []\nfor fd in range(1000):\n    try: os.fstat(fd); found.append(fd)\n    except OSError: pass\nprint(found)";
    prints(probe, "[0, 1, 2, 3]\n").await;
}

#[tokio::test]
async fn time_ends_at_its_limits() {
    let short = Limits::default().with_wall(Duration::from_millis(300));
    let wall = Verdict::Timeout { clock: Clock::Wall };
    for source in ["import time; time.sleep(60)", "import signal; signal.pause()"] {
        check(source, short, |done| done.verdict == wall).await;
    }
    ends("while True: pass", short, "timeout").await;
    let mut limits = Limits::default();
    limits.cpu = Duration::from_secs(1);
    let cpu = Verdict::Timeout { clock: Clock::Cpu };
    check("while True: pass", limits, |done| done.verdict == cpu).await;
    check("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", limits, |done| {
        done.verdict == cpu
    })
    .await;
}

#[tokio::test]
async fn memory_output_files_and_space_end_at_their_limits() {
    let limits = Limits::default().with_memory_mib(64);
    ends("b = bytearray(400 << 20)", limits, "memory").await;
    ends("b = bytearray(32 << 20)", limits, "passed").await;
    let mut limits = Limits::default();
    limits.output_bytes = 1000;
    ends("print('a' * 999)", limits, "passed").await;
    check("print('a' * 1000)", limits, |done| {
        done.verdict == Verdict::OutputLimit && done.stdout.len() == 1000
    })
    .await;
    ends("import sys\nwhile True: sys.stderr.write('a' * 100)", limits, "output-limit").await;
    let flood = "import os\nfor i in range(1000): os.open('/dev/null', 0)";
    check(flood, Limits::default(), |done| format!("{:?}", done.verdict).contains("Too many open files"))
        .await;
    let large = "f = open('large', 'wb')\nfor i in range(20): f.write(bytes(1 << 20))";
    check(large, Limits::default(), |done| format!("{:?}", done.verdict).contains("File too large")).await;
}

#[tokio::test]
async fn the_private_tmp_has_a_size_and_does_not_last() {
    let Some(sandbox) = sandbox(Some(Level::Strict)) else { return };
    let fill = "for i in range(20):\n    open(f'/tmp/{i}', 'wb').write(bytes(10 << 20))";
    let done = run_in(&sandbox, fill, Limits::default()).await;
    assert!(String::from_utf8_lossy(&done.stderr).contains("No space left"), "{done:?}");
    let done = run_in(&sandbox, "import os\nprint(os.listdir('/tmp'))", Limits::default()).await;
    assert_eq!(done.stdout, b"[]\n");
}

#[tokio::test]
async fn a_death_is_a_crash() {
    let killed = Verdict::Crashed { cause: "SIGKILL".to_owned() };
    check("import os\nos.kill(os.getpid(), 9)", Limits::default(), |done| done.verdict == killed).await;
    let fault = Verdict::Crashed { cause: "SIGSEGV".to_owned() };
    check("import ctypes\nctypes.string_at(0)", Limits::default(), |done| done.verdict == fault).await;
    let abort = Verdict::Crashed { cause: "SIGABRT".to_owned() };
    check("import os\nos.abort()", Limits::default(), |done| done.verdict == abort).await;
}

#[tokio::test]
async fn the_host_is_out_of_reach() {
    let refused = |attack: &str| {
        format!(
            "import os, socket\ntry:\n    {attack}\n    print('done')\nexcept OSError:\n    print('stopped')"
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let secret = tempfile_with(b"secret");
    let own = std::process::id();
    for attack in [
        format!("open({:?}).read()", secret.path()),
        "os.listdir('/etc')".to_owned(),
        format!("socket.create_connection(('127.0.0.1', {port}), 5)"),
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)".to_owned(),
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)".to_owned(),
        format!("os.kill({own}, 0)"),
        "os.kill(os.getppid(), 9)".to_owned(),
        "os.kill(-1, 0)".to_owned(),
        "os.fork()".to_owned(),
        "os.setsid()".to_owned(),
        "os.execv('/bin/sh', ['sh'])".to_owned(),
        "import sys; os.execv(sys.executable, ['python3', '-c', 'print(1)'])".to_owned(),
        "os.memfd_create('a')".to_owned(),
        "os.mkfifo('fifo')".to_owned(),
        "open('/usr/lib/new', 'w')".to_owned(),
        "import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, 1)".to_owned(),
    ] {
        prints(&refused(&attack), "stopped\n").await;
    }
}

fn tempfile_with(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[tokio::test]
async fn a_forged_or_broken_channel_ends_the_program() {
    ends(
        "import os\nos.write(3, b'\\xff\\xff\\xff\\xff')\nwhile True: pass",
        Limits::default(),
        "output-limit",
    )
    .await;
    let closed = "import os\nos.close(3)\nprint('still here')";
    check(closed, Limits::default(), |done| done.stdout == b"still here\n").await;
}

#[tokio::test]
async fn a_child_process_does_not_outlive_a_run_without_isolation() {
    let Some(sandbox) = sandbox(Some(Level::None)) else { return };
    let name = "ca-child";
    let source = format!(
        "import os\nif os.fork() == 0:\n    {}\n    time.sleep(60)",
        named(name).trim_end().replace('\n', "\n    ")
    );
    let done = run_in(&sandbox, &source, Limits::default()).await;
    assert!(done.verdict.is_passed(), "{done:?}");
    await_that("the child dies", || !lives(name));
}

#[test]
fn a_dropped_run_leaves_no_process() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for (level, name) in [(Level::Strict, "ca-drop-s"), (Level::Unprivileged, "ca-drop-u")] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let source = named(name) + "time.sleep(60)";
        let task = runtime.spawn(async move { run_in(&sandbox, &source, Limits::default()).await });
        await_that("the program runs", || lives(name));
        task.abort();
        await_that("the program dies", || !lives(name));
    }
}

#[test]
fn a_killed_host_leaves_no_process() {
    for (level, name) in [(Level::Strict, "ca-host-s"), (Level::Unprivileged, "ca-host-u")] {
        if is_alone() {
            if std::env::var(ALONE).unwrap() == name {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let sandbox = sandbox(Some(level)).unwrap();
                runtime.block_on(run_in(&sandbox, &(named(name) + "time.sleep(60)"), Limits::default()));
            }
            continue;
        }
        if sandbox(Some(level)).is_none() {
            continue;
        }
        let mut host = alone("a_killed_host_leaves_no_process").env(ALONE, name).spawn().unwrap();
        await_that("the program runs", || lives(name));
        host.kill().unwrap();
        host.wait().unwrap();
        await_that("the program dies", || !lives(name));
    }
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// The processes that are children of this one, from `/proc`.
fn children() -> Vec<u32> {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parent = |id: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status.lines().find_map(|line| Some(line.strip_prefix("PPid:")?.trim().to_owned()))
    };
    ids.filter(|id| parent(id).as_ref() == Some(&own)).collect()
}

fn is_dead(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/status"))
        .is_ok_and(|status| status.contains("State:\tZ"))
}

/// Runs programs of many kinds, and asserts that they leave nothing, and that one of them says the same at the end.
fn leaves_nothing(level: Level, runs: usize) {
    let Some(sandbox) = fresh(Some(level)) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // This process has one of its own.
    let folder = std::env::temp_dir();
    let run =
        |source: &str| runtime.block_on(run_in(&sandbox, source, Limits::default().with_memory_mib(64)));
    let telling = "import os, random\nprint(hash('a'), random.random(), os.getcwd() != '', sorted(os.listdir('.')), id)";
    let kinds =
        ["print(1)", "open('left', 'w').write('x' * 9999)", "1 / 0", "import os; os.kill(os.getpid(), 9)"];
    let settle = || await_that("the supervisors end", || count("/proc/self/task") <= 2 + ZYGOTES);
    let before = run(telling);
    run(telling);
    settle();
    let open = (count("/proc/self/fd"), count(folder.to_str().unwrap()));
    for source in kinds.into_iter().cycle().take(runs) {
        run(source);
    }
    settle();
    let after = run(telling);
    assert_eq!((before.verdict, before.stdout), (after.verdict, after.stdout));
    settle();
    assert_eq!(open, (count("/proc/self/fd"), count(folder.to_str().unwrap())));
    assert_eq!(children().len(), ZYGOTES);
    drop(sandbox);
    await_that("the zygote ends", || children().is_empty());
    await_that("its keeper ends", || count("/proc/self/task") <= 2);
}

/// Runs a test alone, with a temporary folder of its own.
fn alone_in_a_folder(test: &str, ignored: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = alone(test);
    if ignored {
        command.arg("--ignored");
    }
    assert!(command.env("TMPDIR", folder.path()).status().unwrap().success());
}

#[test]
fn many_runs_leave_nothing() {
    if !is_alone() {
        return alone_in_a_folder("many_runs_leave_nothing", false);
    }
    for level in [Level::Strict, Level::Unprivileged] {
        leaves_nothing(level, 300);
    }
}

/// Past the recycling of a zygote. `cargo test -p codeagent-sandbox --test local -- --ignored ten_thousand`.
#[test]
#[ignore = "takes some minutes"]
fn ten_thousand_runs_leave_nothing() {
    if !is_alone() {
        return alone_in_a_folder("ten_thousand_runs_leave_nothing", true);
    }
    leaves_nothing(Level::Strict, 10_100);
}

#[test]
fn a_killed_zygote_is_our_error_and_is_replaced() {
    if !is_alone() {
        return alone_in_a_folder("a_killed_zygote_is_our_error_and_is_replaced", false);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = fresh(Some(level)) else { continue };
        let open = || sandbox.open(Open { stdin: Vec::new(), limits: Limits::default(), seed: 7 });
        runtime.block_on(async {
            let mut session = open().await.unwrap();
            let idle = open().await.unwrap();
            for zygote in children() {
                Command::new("kill").args(["-9", &zygote.to_string()]).status().unwrap();
            }
            // Their bodies stay until their keepers are told.
            await_that("the zygotes die", || children().into_iter().all(is_dead));
            let exchange = session.exchange(b"nonsense", PATIENCE).await.unwrap();
            assert_eq!(exchange, Exchange::Ended, "{level:?}");
            let error = session.finish().await.unwrap_err();
            assert!(matches!(error, SandboxError::Worker { .. }) && error.is_retryable(), "{error:?}");
            assert!(idle.finish().await.is_err());
            assert_eq!(run_in(&sandbox, "print(2)", Limits::default()).await.stdout, b"2\n");
        });
        drop(sandbox);
        await_that("the zygotes end", || children().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_programs_at_once_do_not_mix() {
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let mut tasks = Vec::new();
        for number in 0..24 {
            let sandbox = Arc::clone(&sandbox);
            let source = format!(
                "import os\nopen('own', 'x').write('{number}')\nprint(open('own').read(), os.listdir('.'))"
            );
            tasks.push(tokio::spawn(async move { run_in(&sandbox, &source, Limits::default()).await }));
        }
        for (number, task) in tasks.into_iter().enumerate() {
            let done = task.await.unwrap();
            assert_eq!(done.stdout, format!("{number} ['own']\n").into_bytes(), "{level:?} {done:?}");
        }
    }
}

/// Futures dropped while they open, exchange and finish; nothing may be left, and the sandbox must serve on.
#[test]
fn dropped_futures_leave_nothing() {
    if !is_alone() {
        return alone_in_a_folder("dropped_futures_leave_nothing", false);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = fresh(Some(level)) else { continue };
        runtime.block_on(async {
            for micros in (0..40).map(|step| step * 250) {
                let run = run_in(&sandbox, "import time; print(1); time.sleep(0.01)", Limits::default());
                let _ = tokio::time::timeout(Duration::from_micros(micros), run).await;
            }
            assert_eq!(run_in(&sandbox, "print(3)", Limits::default()).await.stdout, b"3\n");
        });
        await_that("the supervisors end", || count("/proc/self/task") <= 2 + ZYGOTES);
        assert_eq!(count(std::env::temp_dir().to_str().unwrap()), 0);
        assert_eq!(children().len(), ZYGOTES);
        // What they have made and not yet given away: two guards and their candidates each.
        await_that("the programs die", || {
            children().into_iter().map(descendants).sum::<usize>() <= 4 * ZYGOTES
        });
        drop(sandbox);
        await_that("the zygote ends", || children().is_empty());
    }
}

fn descendants(process: u32) -> usize {
    let path = format!("/proc/{process}/task/{process}/children");
    let own = std::fs::read_to_string(path).unwrap_or_default();
    own.split_whitespace().map(|child| 1 + descendants(child.parse().unwrap())).sum()
}

#[tokio::test]
async fn large_inputs_arrive_or_are_ignored() {
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let stdin = vec![b'a'; 64 << 20];
        for (source, expected) in [
            ("print('unread')", "unread\n"),
            (
                "import sys\nn = 0\nwhile True:\n    b = sys.stdin.buffer.read(1 << 16)\n    if not b: break\n    n += len(b)\nprint(n)",
                "67108864\n",
            ),
        ] {
            let program = Program { source: source.to_owned(), entry: None };
            let run = Run { program, stdin: stdin.clone(), seed: 7, ..Run::default() };
            let done = run_program(&sandbox, &run).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&done.stdout), expected, "{level:?} {:?}", done.verdict);
        }
        let long = format!("print(len('{}'))", "x".repeat(16 << 20));
        assert_eq!(run_in(&sandbox, &long, Limits::default()).await.stdout, b"16777216\n");
    }
}

#[tokio::test]
async fn every_module_that_is_told_can_be_imported() {
    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let modules = sandbox.capabilities().modules;
        assert!(modules.len() > 100 && modules.contains(&"math".to_owned()));
        let source = format!(
            "import warnings\nwarnings.simplefilter('ignore')\nfor name in {modules:?}:\n    try: __import__(name)\n    \
             except ImportError as error: print(name, error)"
        );
        let done = run_in(&sandbox, &source, Limits::default()).await;
        assert_eq!(String::from_utf8_lossy(&done.stdout), "", "{done:?}");
    }
}

#[test]
fn a_plain_user_is_served_as_well() {
    if is_alone() {
        let sandbox = sandbox(None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done = runtime.block_on(run_in(&sandbox, "import os\nprint(os.getuid())", Limits::default()));
        assert_eq!(done.stdout, b"65534\n", "{done:?}");
        assert!(sandbox.capabilities().level >= Level::Unprivileged);
        return;
    }
    const NOBODY: u32 = 65534;
    let mut command = alone("a_plain_user_is_served_as_well");
    let copy = std::env::temp_dir().join(format!("codeagent-test-local-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let is_root =
        Path::new("/proc/self").metadata().is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut user = Command::new(&copy);
    user.args(command.get_args()).env_clear().env(ALONE, "1").env("PATH", "/usr/bin:/bin").current_dir("/");
    let status = if is_root { user.uid(NOBODY).gid(NOBODY).status() } else { command.status() };
    std::fs::remove_file(&copy).unwrap();
    if Path::new("/usr/bin/python3").exists() || !is_root {
        assert!(status.unwrap().success());
    }
}

#[tokio::test]
async fn more_sessions_than_cores_do_not_wait_for_each_other() {
    let Some(sandbox) = sandbox(None) else { return };
    let mut sessions = Vec::new();
    for seed in 0..6 {
        sessions
            .push(sandbox.open(Open { stdin: Vec::new(), limits: Limits::default(), seed }).await.unwrap());
    }
    for mut session in sessions {
        // Not a request that the driver knows: it may answer or end, but it must not hang.
        let exchange = session.exchange(b"nonsense", PATIENCE).await.unwrap();
        let ending = session.finish().await.unwrap();
        assert!(
            exchange != Exchange::Ended || ending.cause != Cause::Timeout { clock: Clock::Wall },
            "{ending:?}"
        );
    }
}

#[test]
fn no_isolation_must_be_accepted_in_so_many_words() {
    let config = LocalConfig { level: Some(Level::None), ..LocalConfig::default() };
    let error = LocalSandbox::new(config).unwrap_err();
    assert!(matches!(error, SandboxError::Unavailable { .. }));
    assert!(error.to_string().contains("i_accept_no_isolation"));
}

#[test]
fn capabilities_say_what_holds() {
    for level in [Level::Strict, Level::Unprivileged, Level::None] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        let told = sandbox.capabilities();
        assert_eq!((told.backend.as_str(), told.level), ("local", level));
        assert!(told.interpreter.starts_with("CPython 3."), "{told:?}");
        let has = |layer: &str| told.layers.iter().any(|name| name.starts_with(layer));
        assert_eq!(has("namespaces"), level == Level::Strict);
        assert_eq!((has("landlock"), has("seccomp")), (level > Level::None, level > Level::None));
        assert!(has("rlimits"));
        assert!(told.files && told.threads && told.limits.iter().any(|limit| limit.starts_with("memory: ")));
    }
}

#[tokio::test]
async fn it_conforms() {
    use codeagent_sandbox::conformance::{Suite, deviations};

    for level in [Level::Strict, Level::Unprivileged] {
        let Some(sandbox) = sandbox(Some(level)) else { continue };
        assert_eq!(deviations(sandbox, Suite::Contained).await.unwrap(), []);
    }
}
