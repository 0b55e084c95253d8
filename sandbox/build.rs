//! Fetches CPython's files through cargo, so that `cargo build` is the whole installation.
//!
//! The files come with two crates that are declared under a target that never matches: cargo locks and downloads them,
//! and compiles nothing of them. This script asks `cargo metadata` where they lie, checks them against the hashes
//! below, and lays copies into `OUT_DIR` for `include_bytes!`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// Package, file in it, and SHA-256 of that file.
const FILES: [(&str, &str, &str); 7] = [
    ("eryx-runtime", "libs/libc.so.zst", "7565351b907f619849429edef9931027d54244a9cced5d7f15e192d6560bea85"),
    (
        "eryx-runtime",
        "libs/libwasi-emulated-getpid.so.zst",
        "5ed5d60fd0189108e9688fa425a6ded142d68ede8d480b79782883c197ea1759",
    ),
    (
        "eryx-runtime",
        "libs/libwasi-emulated-mman.so.zst",
        "0870eff1d2c1bd6d0abd6a3afd2aa5b695545d2f631f14b089baaef7baca83bc",
    ),
    (
        "eryx-runtime",
        "libs/libwasi-emulated-process-clocks.so.zst",
        "9976680fa1a675622934a7027af641c98d2ccfb0a93cc024e18bda63875b2b91",
    ),
    (
        "eryx-runtime",
        "libs/libwasi-emulated-signal.so.zst",
        "8693f740980372b14fe724bd76add400bc691f671a10494bf9e7c44d93af9de5",
    ),
    (
        "eryx-runtime",
        "libs/libpython3.14.so.zst",
        "de3578e4431e2abd2e1d0f3a8816a877912492d9d03719b36ad80355bfe62de3",
    ),
    ("eryx", "python-stdlib.tar.zst", "541af2af39fb77b9a0bcd1a512ac8ceb81d5ec29d552ec1723e1c5be67a0b026"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_WASM").is_none() {
        return Ok(());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let metadata = metadata()?;
    let mut all = Sha256::new();
    for (package, file, expected) in FILES {
        let source = folder(&metadata, package)?.join(file);
        let bytes =
            fs::read(&source).map_err(|error| format!("could not read {}: {error}", source.display()))?;
        let found = hex(&Sha256::digest(&bytes));
        if found != expected {
            let path = source.display();
            return Err(format!("{path} has SHA-256 {found} instead of {expected}: remove the package's folder and build again").into());
        }
        let name = Path::new(file).file_name().ok_or("a file without a name")?;
        copy(&bytes, &out.join(name))?;
        all.update(expected);
    }
    println!("cargo::rustc-env=CODEAGENT_PYTHON_FILES={}", hex(&all.finalize()));
    Ok(())
}

/// The workspace's packages, those of targets that never match included; cargo downloads what is missing.
fn metadata() -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "`cargo metadata --locked` could not find the packages that carry CPython; \
             with a network connection, run `cargo fetch --locked` once:\n{message}"
        )
        .into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Folder of a package.
fn folder(metadata: &serde_json::Value, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let packages = metadata["packages"].as_array().ok_or("`cargo metadata` listed no packages")?;
    packages
        .iter()
        .find(|package| package["name"] == name)
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(Path::to_owned)
        .ok_or_else(|| format!("package `{name}` is not in Cargo.lock").into())
}

/// Writes a file unless it is there already: a new time stamp would compile the crate again.
fn copy(bytes: &[u8], to: &Path) -> std::io::Result<()> {
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(to, bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
