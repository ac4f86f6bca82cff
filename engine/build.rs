//! Takes the docstrings out of the Python stub, so that they are written once: `doc!` of `src/py`
//! gives them to the compiled functions and classes. Digests the sources, so that what was made by
//! other sources can be told apart.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const STUB: &str = "python/chess_engine/_native.pyi";
const SOURCES: &str = "src";
const QUOTES: &str = r#"""""#;

fn main() {
    println!("cargo:rerun-if-changed={STUB}");
    println!("cargo:rerun-if-changed=build.rs");
    let stub = fs::read_to_string(STUB).expect("the stub is part of the crate");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("docs");
    fs::create_dir_all(&folder).expect("the output folder can be written");
    write_docstrings(&stub, &folder);
    println!("cargo:rerun-if-changed={SOURCES}");
    println!("cargo:rustc-env=SOURCE_DIGEST={}", source_digest());
}

/// BLAKE2b of the names and contents of all sources, in the order of their names.
fn source_digest() -> String {
    let mut paths = rust_files(Path::new(SOURCES));
    paths.sort();
    let mut hash = blake2b_simd::Params::new().hash_length(32).to_state();
    for path in paths {
        let name = path.to_str().expect("our files have plain names");
        let text = fs::read(&path).expect("the sources can be read");
        hash.update(format!("{} {}\n", name.replace('\\', "/"), text.len()).as_bytes());
        hash.update(&text);
    }
    hash.finalize().to_hex().to_string()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the sources can be read");
    let paths = entries.map(|entry| entry.expect("the sources can be read").path());
    let files = paths.flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path],
    });
    files.collect()
}

/// Writes the docstring of each function `f`, class `C` and method `C.m` to a file of that name.
fn write_docstrings(stub: &str, folder: &Path) {
    let mut class = String::new();
    let mut documented = None;
    let mut lines = stub.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = name_after("class ", line) {
            class = name.to_owned();
            documented = Some(class.clone());
        } else if let Some(name) = name_after("def ", line) {
            documented = Some(name.to_owned());
        } else if let Some(name) = name_after("    def ", line) {
            documented = Some(format!("{class}.{name}"));
        } else if let Some(text) = line.trim_start().strip_prefix(QUOTES)
            && let Some(name) = documented.take()
        {
            let indentation = line.len() - line.trim_start().len();
            let text = docstring(text, &mut lines, indentation);
            fs::write(folder.join(name), text).expect("the output folder can be written");
        }
    }
}

fn name_after<'a>(keyword: &str, line: &'a str) -> Option<&'a str> {
    let rest = line.strip_prefix(keyword)?;
    rest.split(['(', ':']).next()
}

/// The text from behind the opening quotes to the closing ones, without its indentation.
fn docstring<'a>(
    first: &'a str,
    lines: &mut impl Iterator<Item = &'a str>,
    indentation: usize,
) -> String {
    if let Some((text, _)) = first.split_once(QUOTES) {
        return text.to_owned();
    }
    let mut text = first.to_owned();
    for line in lines {
        let line = line.get(indentation..).unwrap_or("");
        match line.split_once(QUOTES) {
            Some((end, _)) => {
                text.push('\n');
                text.push_str(end);
                break;
            }
            None => {
                text.push('\n');
                text.push_str(line);
            }
        }
    }
    text.trim_end().to_owned()
}
