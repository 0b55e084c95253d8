//! What the lexer has to know of a language: a table, one row per language.

/// A language whose terminals can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Python.
    #[default]
    Python,
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// JavaScript and, closely enough, TypeScript.
    JavaScript,
    /// Java.
    Java,
    /// C++ and C.
    Cpp,
    /// No code: words, numbers and marks, line by line. Has contents, but no structure.
    Text,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Python, Self::Rust, Self::Go, Self::JavaScript, Self::Java, Self::Cpp, Self::Text];

    /// Its name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::JavaScript => "javascript",
            Self::Java => "java",
            Self::Cpp => "cpp",
            Self::Text => "text",
        }
    }

    pub(crate) const fn syntax(self) -> &'static Syntax {
        match self {
            Self::Python => &PYTHON,
            Self::Rust => &RUST,
            Self::Go => &GO,
            Self::JavaScript => &JAVASCRIPT,
            Self::Java => &JAVA,
            Self::Cpp => &CPP,
            Self::Text => &TEXT,
        }
    }
}

/// How the terminals of a language are written.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) keywords: &'static [&'static str],
    /// Operators of several bytes, each with all that it begins with but single bytes, or cut into single bytes.
    pub(crate) operators: &'static [&'static str],
    /// Opens a comment up to the end of the line.
    pub(crate) line_comment: &'static str,
    pub(crate) block_comment: Option<BlockComment>,
    pub(crate) quotes: &'static [Quote],
    /// Letters that may stand right before a quotation mark.
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) raw: Raw,
    pub(crate) blocks: Blocks,
    pub(crate) ends: Ends,
    /// Whether a line that begins with `#` is for a preprocessor, and ends with the line.
    pub(crate) directives: bool,
    /// Bytes of names, beside letters, digits, `_` and everything beyond ASCII.
    pub(crate) name_bytes: &'static [u8],
}

#[derive(Debug)]
pub(crate) struct BlockComment {
    pub(crate) open: &'static str,
    pub(crate) close: [u8; 2],
    /// Whether one may stand in another.
    pub(crate) nests: bool,
}

/// A quotation mark.
#[derive(Debug)]
pub(crate) struct Quote {
    pub(crate) mark: u8,
    /// Whether three of them quote text of several lines.
    pub(crate) triple: bool,
    /// Whether one of them does.
    pub(crate) lines: bool,
    /// Whether a backslash takes the next byte's meaning.
    pub(crate) escapes: bool,
    /// Whether it may also stand before a lifetime.
    pub(crate) lifetimes: bool,
    pub(crate) fields: Fields,
}

/// Code inside of strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    None,
    /// `{…}`, in strings whose prefix holds `f` or `t`.
    Braces,
    /// `${…}`.
    Dollar,
}

/// Strings whose end is marked by their beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    None,
    /// `r#"…"#`.
    Hashes,
    /// `R"x(…)x"`.
    Delimiter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    Indentation,
    Braces,
    None,
}

/// What ends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The end of the line.
    Newline,
    /// A semicolon or the bounds of a block.
    Semicolon,
    /// Both, the end of the line where a statement can end there.
    Automatic,
    /// Every end of a line, that of an empty one too.
    EveryLine,
}

const fn quote(mark: u8) -> Quote {
    Quote { mark, triple: false, lines: false, escapes: true, lifetimes: false, fields: Fields::None }
}

const C_COMMENT: Option<BlockComment> = Some(BlockComment { open: "/*", close: *b"*/", nests: false });

const PYTHON: Syntax = Syntax {
    keywords: &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
        "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in",
        "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ],
    operators: &[
        "!=", "%=", "&=", "**", "**=", "*=", "+=", "-=", "->", "...", "//", "//=", "/=", ":=", "<<", "<<=",
        "<=", "==", ">=", ">>", ">>=", "@=", "^=", "|=",
    ],
    line_comment: "#",
    block_comment: None,
    quotes: &[
        Quote { triple: true, fields: Fields::Braces, ..quote(b'\'') },
        Quote { triple: true, fields: Fields::Braces, ..quote(b'"') },
    ],
    prefixes: &["r", "b", "u", "f", "t", "rb", "br", "rf", "fr", "rt", "tr"],
    raw: Raw::None,
    blocks: Blocks::Indentation,
    ends: Ends::Newline,
    directives: false,
    name_bytes: b"",
};

const RUST: Syntax = Syntax {
    keywords: &[
        "Self", "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
        "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut",
        "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "type", "unsafe",
        "use", "where", "while",
    ],
    operators: &[
        "!=", "%=", "&&", "&=", "*=", "+=", "-=", "->", "..", "...", "..=", "/=", "::", "<<", "<<=", "<=",
        "==", "=>", ">=", ">>", ">>=", "^=", "|=", "||",
    ],
    line_comment: "//",
    block_comment: Some(BlockComment { open: "/*", close: *b"*/", nests: true }),
    quotes: &[Quote { lines: true, ..quote(b'"') }, Quote { lifetimes: true, ..quote(b'\'') }],
    prefixes: &["b", "c", "r", "br", "cr"],
    raw: Raw::Hashes,
    blocks: Blocks::Braces,
    ends: Ends::Semicolon,
    directives: false,
    name_bytes: b"",
};

const GO: Syntax = Syntax {
    keywords: &[
        "break",
        "case",
        "chan",
        "const",
        "continue",
        "default",
        "defer",
        "else",
        "fallthrough",
        "for",
        "func",
        "go",
        "goto",
        "if",
        "import",
        "interface",
        "map",
        "package",
        "range",
        "return",
        "select",
        "struct",
        "switch",
        "type",
        "var",
    ],
    operators: &[
        "!=", "%=", "&&", "&=", "&^", "&^=", "*=", "++", "+=", "--", "-=", "...", "/=", ":=", "<-", "<<",
        "<<=", "<=", "==", ">=", ">>", ">>=", "^=", "|=", "||",
    ],
    line_comment: "//",
    block_comment: C_COMMENT,
    quotes: &[quote(b'"'), quote(b'\''), Quote { lines: true, escapes: false, ..quote(b'`') }],
    prefixes: &[],
    raw: Raw::None,
    blocks: Blocks::Braces,
    ends: Ends::Automatic,
    directives: false,
    name_bytes: b"",
};

const JAVASCRIPT: Syntax = Syntax {
    keywords: &[
        "async",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "function",
        "if",
        "import",
        "in",
        "instanceof",
        "let",
        "new",
        "null",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ],
    operators: &[
        "!=", "!==", "%=", "&&", "&&=", "&=", "**", "**=", "*=", "++", "+=", "--", "-=", "...", "/=", "<<",
        "<<=", "<=", "==", "===", "=>", ">=", ">>", ">>=", ">>>", ">>>=", "?.", "??", "??=", "^=", "|=",
        "||", "||=",
    ],
    line_comment: "//",
    block_comment: C_COMMENT,
    quotes: &[quote(b'"'), quote(b'\''), Quote { lines: true, fields: Fields::Dollar, ..quote(b'`') }],
    prefixes: &[],
    raw: Raw::None,
    blocks: Blocks::Braces,
    ends: Ends::Automatic,
    directives: false,
    name_bytes: b"$",
};

const JAVA: Syntax = Syntax {
    keywords: &[
        "abstract",
        "assert",
        "boolean",
        "break",
        "byte",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extends",
        "false",
        "final",
        "finally",
        "float",
        "for",
        "goto",
        "if",
        "implements",
        "import",
        "instanceof",
        "int",
        "interface",
        "long",
        "native",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "short",
        "static",
        "strictfp",
        "super",
        "switch",
        "synchronized",
        "this",
        "throw",
        "throws",
        "transient",
        "true",
        "try",
        "void",
        "volatile",
        "while",
    ],
    operators: &[
        "!=", "%=", "&&", "&=", "*=", "++", "+=", "--", "-=", "->", "...", "/=", "::", "<<", "<<=", "<=",
        "==", ">=", ">>", ">>=", ">>>", ">>>=", "^=", "|=", "||",
    ],
    line_comment: "//",
    block_comment: C_COMMENT,
    quotes: &[Quote { triple: true, ..quote(b'"') }, quote(b'\'')],
    prefixes: &[],
    raw: Raw::None,
    blocks: Blocks::Braces,
    ends: Ends::Semicolon,
    directives: false,
    name_bytes: b"$",
};

const CPP: Syntax = Syntax {
    keywords: &[
        "alignas",
        "alignof",
        "auto",
        "bool",
        "break",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "const_cast",
        "constexpr",
        "continue",
        "decltype",
        "default",
        "delete",
        "do",
        "double",
        "dynamic_cast",
        "else",
        "enum",
        "explicit",
        "extern",
        "false",
        "float",
        "for",
        "friend",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "mutable",
        "namespace",
        "new",
        "noexcept",
        "nullptr",
        "operator",
        "private",
        "protected",
        "public",
        "register",
        "reinterpret_cast",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "static_assert",
        "static_cast",
        "struct",
        "switch",
        "template",
        "this",
        "thread_local",
        "throw",
        "true",
        "try",
        "typedef",
        "typeid",
        "typename",
        "union",
        "unsigned",
        "using",
        "virtual",
        "void",
        "volatile",
        "while",
    ],
    operators: &[
        "!=", "##", "%=", "&&", "&=", "*=", "++", "+=", "--", "-=", "->", "->*", ".*", "...", "/=", "::",
        "<<", "<<=", "<=", "<=>", "==", ">=", ">>", ">>=", "^=", "|=", "||",
    ],
    line_comment: "//",
    block_comment: C_COMMENT,
    quotes: &[quote(b'"'), quote(b'\'')],
    prefixes: &["l", "u", "u8"],
    raw: Raw::Delimiter,
    blocks: Blocks::Braces,
    ends: Ends::Semicolon,
    directives: true,
    name_bytes: b"",
};

const TEXT: Syntax = Syntax {
    keywords: &[],
    operators: &[],
    line_comment: "",
    block_comment: None,
    quotes: &[],
    prefixes: &[],
    raw: Raw::None,
    blocks: Blocks::None,
    ends: Ends::EveryLine,
    directives: false,
    name_bytes: b"",
};
