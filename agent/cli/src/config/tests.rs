//! Tests of configuration: what is refused and how, which layer wins, and what a project file may do.

mod bad;
mod layers;
mod trusting;

use std::path::{Path, PathBuf};

use super::*;

/// A home, a project below it, and the variables of a run in it.
struct Place {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("home/.config/codeagent")).unwrap();
        std::fs::create_dir_all(root.path().join("tree/project/src")).unwrap();
        let home = root.path().join("home").to_str().unwrap().to_owned();
        Self { root, variables: vec![("HOME".to_owned(), home)] }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(relative)
    }

    fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn user(&self, text: &str) -> &Self {
        self.write("home/.config/codeagent/config.toml", text);
        self
    }

    fn project(&self, text: &str) -> &Self {
        self.write("tree/project/codeagent.toml", text);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn load(&self, flags: &Flags) -> Result<Loaded, Failure> {
        load(&Environment::new(self.variables.clone(), self.path("tree/project/src")), flags)
    }

    /// The failure's line, without the path of the temporary folder.
    fn failure(&self, flags: &Flags) -> String {
        let failure = self.load(flags).expect_err("the configuration is bad");
        assert_eq!(failure.exit(), Exit::Usage);
        let text = failure.to_string();
        assert!(!text.contains('\n'), "one line: {text}");
        text.replace(self.path("").to_str().unwrap(), "ROOT/")
    }
}

fn set(assignments: &[&str]) -> Flags {
    Flags { set: assignments.iter().map(|text| (*text).to_owned()).collect(), ..Flags::default() }
}

fn file(path: impl AsRef<Path>) -> Flags {
    Flags { file: Some(path.as_ref().to_path_buf()), ..Flags::default() }
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.schema.json");
    if std::env::var_os("CODEAGENT_BLESS").is_some() {
        std::fs::write(&committed, schema::text()).unwrap();
    }
    let text = std::fs::read_to_string(committed).unwrap();
    assert!(text == schema::text(), "config.schema.json is stale: run this test with CODEAGENT_BLESS=1");
}

#[test]
fn every_leaf_of_the_schema_has_a_form_that_is_checked() {
    fn visit(node: schema::Node<'_>, path: &str) {
        for name in node.names() {
            let child = node.child(name).unwrap();
            assert!(!child.is_free(), "{path}.{name} accepts anything");
            visit(child, &format!("{path}.{name}"));
        }
    }
    visit(schema::Node::root(), "");
}
