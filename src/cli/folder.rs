//! A folder of results: every file appears whole or not at all.
//!
//! All files are written beside their places and flushed to the disk; only then are they renamed, the manifest last. A
//! full disk therefore leaves what was there before. The manifest lists the others; what an earlier manifest lists and
//! this run did not write is removed, so that a folder never mixes two runs. Files that no manifest lists are the user's
//! and stay.

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
        let files: Vec<&File> = others.into_iter().chain(manifests).collect();
        let mut beside = Beside::default();
        for file in &files {
            let path = self.path.join(&file.name);
            if let Err(error) = beside.write(&path, &file.bytes) {
                drop(beside);
                self.discard();
                return Err(error).with_context(|| format!("cannot write {}", path.display()));
            }
        }
        let written = beside
            .rename()
            .with_context(|| format!("cannot write into {}", self.path.display()))?;
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

/// Writes one file, whole or not at all, beside whatever else is in its folder.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let _whole = interrupt::hold();
    let mut beside = Beside::default();
    beside
        .write(path, bytes)
        .and_then(|()| beside.rename())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

fn temporary(name: &str) -> String {
    format!(".{name}.{}.tmp", std::process::id())
}

/// Files that are written and not yet in their places; what is not renamed is removed again.
#[derive(Default)]
struct Beside {
    /// Where each lies, and where it belongs.
    files: Vec<(PathBuf, PathBuf)>,
    /// Folders made for them, in order.
    made: Vec<PathBuf>,
}

impl Beside {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let folder = path.parent().expect("files lie in a folder");
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            self.made.push(folder.to_owned());
        }
        let name = path.file_name().expect("files have names").to_string_lossy();
        let beside = folder.join(temporary(&name));
        self.files.push((beside.clone(), path.to_owned()));
        let mut file = fs::File::create(beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Puts every file in its place, in order. Returns the places.
    fn rename(mut self) -> std::io::Result<Vec<PathBuf>> {
        let mut places = Vec::new();
        for (beside, place) in &self.files {
            fs::rename(beside, place)?;
            places.push(place.clone());
        }
        self.files.clear();
        self.made.clear();
        Ok(places)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // What cannot be removed any more was never made, or has been renamed.
        for (beside, _) in &self.files {
            let _ = fs::remove_file(beside);
        }
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
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
    fn when_one_file_cannot_be_written_none_appears() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(&place.path().join("results")).expect("it can be made");
        // The second file would lie inside the first, which is no folder.
        fs::write(place.path().join("results/taken"), "").expect("written");
        assert!(
            folder
                .write(&[file("a.csv", ""), file("deep/b.csv", ""), file("taken/c.csv", "")])
                .is_err()
        );
        assert_eq!(names(&place.path().join("results")), ["taken"]);
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
