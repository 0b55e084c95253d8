//! Finds the Python to run: a real CPython, not a shim, and the folders that it needs to see.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::unavailable;
use crate::error::SandboxError;

/// Oldest version that the driver supports.
const OLDEST: (u32, u32) = (3, 9);
/// Longest time for the question below; a shim may take a second on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 16;

const QUESTION: &str = include_str!("question.py");
/// What it ends with where there is no module `ctypes`.
const NO_CTYPES: i32 = 3;

/// A Python that can be run.
#[derive(Debug, Clone)]
pub(super) struct Interpreter {
    /// The executable, symbolic links resolved.
    pub(super) executable: PathBuf,
    /// Name and version, such as `CPython 3.11.7`.
    pub(super) name: String,
    /// Folders with its libraries.
    pub(super) folders: Vec<PathBuf>,
    /// Names of the modules that it can import, in order.
    pub(super) modules: Vec<String>,
}

/// The interpreter asked for, or else the first real one on the search path, or else the system's.
///
/// # Errors
/// [`SandboxError::Unavailable`] with what was tried.
pub(super) fn find(asked: Option<&Path>) -> Result<Interpreter, SandboxError> {
    let candidates = asked.map_or_else(search_path, |path| vec![path.to_owned()]);
    let mut tried = Vec::new();
    for candidate in candidates {
        match ask(&candidate) {
            Ok(interpreter) => return Ok(interpreter),
            Err(reason) => tried.push(format!("{} ({reason})", candidate.display())),
        }
    }
    let tried =
        if tried.is_empty() { "nothing named python3 was found".to_owned() } else { tried.join(", ") };
    Err(unavailable(
        format!("a CPython of version {}.{} or newer: {tried}", OLDEST.0, OLDEST.1),
        "install python3, name one with CODEAGENT_PYTHON, or use the wasm sandbox",
    ))
}

fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&path)
        .map(|folder| folder.join("python3"))
        .filter(|file| file.is_file())
        .collect();
    found.push(PathBuf::from("/usr/bin/python3"));
    found.dedup();
    found
}

/// Runs the executable once. A shim answers with the executable that it stands for.
fn ask(executable: &Path) -> Result<Interpreter, String> {
    let mut child = Command::new(executable)
        .args(["-I", "-S", "-c", QUESTION])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let answer = read_answer(&mut child);
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let answer = answer?;
    if status.code() == Some(NO_CTYPES) {
        return Err("it lacks the module ctypes".to_owned());
    }
    if !status.success() {
        return Err(format!("it ended with {status}"));
    }
    parse(&answer)
}

fn read_answer(child: &mut std::process::Child) -> Result<Vec<u8>, String> {
    let mut pipe = child.stdout.take().ok_or("no pipe")?;
    let deadline = Instant::now() + PATIENCE;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|error| error.to_string())?;
        let ready = poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&timeout))
            .map_err(|error| error.to_string())?;
        if ready == 0 {
            return Err(format!("no answer within {} s", PATIENCE.as_secs()));
        }
        let count = pipe.read(&mut buffer).map_err(|error| error.to_string())?;
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        match count {
            0 => return Ok(answer),
            _ if answer.len() > ANSWER_BYTES_MAX => return Err("its answer is too long".to_owned()),
            _ => {}
        }
    }
}

fn parse(answer: &[u8]) -> Result<Interpreter, String> {
    let mut fields = answer.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut text =
        || fields.next().and_then(|field| String::from_utf8(field).ok()).ok_or("it answered nonsense");
    let (implementation, major, minor, version) = (text()?, text()?, text()?, text()?);
    let number = |digits: &str| digits.parse::<u32>().map_err(|error| error.to_string());
    if implementation != "CPython" {
        return Err(format!("it is {implementation}, not CPython"));
    }
    if (number(&major)?, number(&minor)?) < OLDEST {
        return Err(format!("it is version {version}"));
    }
    let mut rest = fields.filter(|field| !field.is_empty());
    let mut path = || rest.next().map(|field| PathBuf::from(OsString::from_vec(field)));
    let executable = path().ok_or("it did not say where it is")?;
    let count =
        path().and_then(|count| count.to_str()?.parse::<usize>().ok()).ok_or("it answered nonsense")?;
    let folders = (0..count).map_while(|_| path()).collect();
    let modules = rest.filter_map(|field| String::from_utf8(field).ok()).collect();
    Ok(Interpreter { executable, name: format!("{implementation} {version}"), folders, modules })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gives_name_executable_and_folders() {
        let found =
            parse(b"CPython\x003\x0013\x003.13.1\0/opt/bin/python3.13\x001\0/opt/lib\0abc\0re\0").unwrap();
        assert_eq!(found.name, "CPython 3.13.1");
        assert_eq!(found.executable, Path::new("/opt/bin/python3.13"));
        assert_eq!(found.folders, [Path::new("/opt/lib")]);
        assert_eq!(found.modules, ["abc", "re"]);
    }

    #[test]
    fn old_other_and_broken_interpreters_are_refused() {
        assert_eq!(parse(b"CPython\x003\x008\x003.8.1\0/p\0").unwrap_err(), "it is version 3.8.1");
        assert_eq!(parse(b"pypy\x003\x0010\x003.10\0/p\0").unwrap_err(), "it is pypy, not CPython");
        assert!(parse(b"hello").is_err());
    }

    #[test]
    fn a_missing_interpreter_is_named_with_a_remedy() {
        let error = find(Some(Path::new("/nonexistent/python3"))).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/python3") && error.contains("CODEAGENT_PYTHON"), "{error}");
    }
}
