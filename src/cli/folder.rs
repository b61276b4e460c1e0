//! A folder of results: every file appears whole or not at all.
//!
//! A file is written beside its place, flushed to the disk and renamed. The manifest comes last and lists the others;
//! what an earlier manifest lists and this run did not write is removed, so that a folder never mixes two runs. Files
//! that no manifest lists are the user's and stay.

use super::interrupt;
use anyhow::Context;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// One file on its way into a folder.
pub struct File {
    /// Relative, with `/`.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The name of the file that lists the others.
pub const MANIFEST: &str = "manifest.json";

pub struct Folder {
    path: PathBuf,
    /// The topmost folder that did not exist before.
    created: Option<PathBuf>,
}

impl Folder {
    /// Makes the folder and checks that files can be written there.
    pub fn open(path: &Path) -> anyhow::Result<Folder> {
        let created = path
            .ancestors()
            .take_while(|folder| !folder.exists())
            .last()
            .map(Path::to_owned);
        let folder = Folder {
            path: path.to_owned(),
            created,
        };
        match folder.prepare() {
            Ok(()) => Ok(folder),
            Err(error) => {
                folder.discard();
                Err(error)
            }
        }
    }

    fn prepare(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.path).with_context(|| format!("cannot make the folder {}", self.path.display()))?;
        let probe = self.path.join(temporary("probe"));
        let tried = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
        tried.with_context(|| format!("cannot write into {}", self.path.display()))
    }

    /// Takes back what opening has made, as far as it is empty.
    pub fn discard(&self) {
        let Some(created) = &self.created else { return };
        let mut folder = self.path.as_path();
        // Refuses to remove what is not empty, which is what is wanted.
        while fs::remove_dir(folder).is_ok() && folder != created {
            let Some(parent) = folder.parent() else { return };
            folder = parent;
        }
    }

    /// Writes all files, the manifest last, and removes what an earlier run has left. Returns the paths written.
    pub fn write(&self, files: &[File]) -> anyhow::Result<Vec<PathBuf>> {
        let _whole = interrupt::hold();
        let before = self.listed();
        let (manifests, others): (Vec<&File>, Vec<&File>) = files.iter().partition(|file| file.name == MANIFEST);
        let mut written = Vec::new();
        for file in others.into_iter().chain(manifests) {
            let path = self.path.join(&file.name);
            put(&path, &file.bytes).with_context(|| format!("cannot write {}", path.display()))?;
            written.push(path);
        }
        for name in before
            .iter()
            .filter(|name| !files.iter().any(|file| file.name == **name))
        {
            // Whoever removed it before has done the work.
            let _ = fs::remove_file(self.path.join(name));
        }
        Ok(written)
    }

    /// The files that the folder's manifest lists, without those that would lead out of it.
    fn listed(&self) -> Vec<String> {
        let Ok(text) = fs::read(self.path.join(MANIFEST)) else {
            return Vec::new();
        };
        let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let names = manifest["files"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str());
        let inside = |name: &&str| {
            Path::new(name)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        names.filter(inside).map(str::to_owned).collect()
    }
}

fn temporary(name: &str) -> String {
    format!(".{name}.{}.tmp", std::process::id())
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().expect("files lie in a folder");
    fs::create_dir_all(folder)?;
    let name = path.file_name().expect("files have names").to_string_lossy();
    let beside = folder.join(temporary(&name));
    let done = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = done.and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        File {
            name: name.into(),
            bytes: text.into(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_second_run_leaves_nothing_of_the_first_and_all_of_the_users() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("a/b");
        let folder = Folder::open(&path).expect("it can be made");
        folder
            .write(&[
                file(MANIFEST, r#"{"files":["old.csv","both.csv"]}"#),
                file("old.csv", ""),
                file("both.csv", "1"),
            ])
            .expect("written");
        fs::write(path.join("notes.txt"), "mine").expect("written");
        let folder = Folder::open(&path).expect("it is there");
        folder
            .write(&[file(MANIFEST, r#"{"files":["both.csv"]}"#), file("both.csv", "2")])
            .expect("written");
        assert_eq!(names(&path), ["both.csv", MANIFEST, "notes.txt"]);
        assert_eq!(fs::read_to_string(path.join("both.csv")).expect("readable"), "2");
    }

    #[test]
    fn a_manifest_cannot_reach_out_of_its_folder() {
        let place = tempfile::tempdir().expect("a temporary folder");
        fs::write(place.path().join("precious"), "").expect("written");
        let path = place.path().join("results");
        let folder = Folder::open(&path).expect("it can be made");
        folder
            .write(&[file(MANIFEST, r#"{"files":["../precious"]}"#)])
            .expect("written");
        folder.write(&[file(MANIFEST, "{}")]).expect("written");
        assert_eq!(names(place.path()), ["precious", "results"]);
    }

    #[test]
    fn what_cannot_be_made_leaves_nothing() {
        let place = tempfile::tempdir().expect("a temporary folder");
        fs::write(place.path().join("taken"), "").expect("written");
        assert!(Folder::open(&place.path().join("taken/results")).is_err());
        assert_eq!(names(place.path()), ["taken"]);
        let folder = Folder::open(&place.path().join("x/y/z")).expect("it can be made");
        folder.discard();
        assert_eq!(names(place.path()), ["taken"]);
    }
}
