//! Jars of Maven Central, fetched once and kept in the cache.

use crate::machine::{self, answer, run};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// How often a transfer that failed is tried again.
const TRANSFERS: usize = 4;

/// The oldest Java all of it runs on.
const JAVA_MIN: u32 = 17;

/// Group, name and version.
pub type Artifact = (&'static str, &'static str, &'static str);

/// Jars that belong together.
pub struct Jars {
    /// As people call it.
    pub name: &'static str,
    /// Their folder below the cache.
    pub folder: &'static str,
    pub artifacts: &'static [Artifact],
    /// Whether they come alone, because what they need is elsewhere.
    pub alone: bool,
}

impl Jars {
    /// The folder with the jars, fetched if they are not there.
    pub fn fetched(&self) -> Result<PathBuf, String> {
        let describe = |error: io::Error| format!("the jars of {}: {error}", self.name);
        let folder = machine::cache()?.join(self.folder);
        let jars = folder.join("lib");
        self.has_java()?;
        fs::create_dir_all(&folder).map_err(describe)?;
        let lock = File::create(folder.join("lock")).map_err(describe)?;
        lock.lock().map_err(describe)?;
        let stamp = folder.join("fetched");
        if stamp.is_file() {
            return Ok(jars);
        }
        if answer(Command::new("mvn").arg("--version")).is_none() {
            let name = self.name;
            return Err(format!("Maven (mvn) is not installed; it fetches the jars of {name}"));
        }
        fs::write(folder.join("pom.xml"), self.pom()).map_err(describe)?;
        let fetch = || {
            let mut fetch = Command::new("mvn");
            fetch.args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]);
            run(fetch.current_dir(&folder))
        };
        let mut fetched = fetch();
        for _ in 1..TRANSFERS {
            fetched = fetched.or_else(|_failed| fetch());
        }
        fetched?;
        fs::write(stamp, "").map_err(describe)?;
        Ok(jars)
    }

    fn has_java(&self) -> Result<(), String> {
        let name = self.name;
        let version = answer(Command::new("java").arg("--version"));
        let version = version
            .ok_or_else(|| format!("Java is not installed; {name} needs {JAVA_MIN} or later"))?;
        let major = version.split_whitespace().nth(1).and_then(|it| it.split('.').next());
        match major.and_then(|it| it.parse::<u32>().ok()) {
            Some(major) if major < JAVA_MIN => {
                Err(format!("Java {major} is too old; {name} needs {JAVA_MIN} or later"))
            }
            _ => Ok(()),
        }
    }

    fn pom(&self) -> String {
        const ALONE: &str = "<exclusions><exclusion><groupId>*</groupId>\
             <artifactId>*</artifactId></exclusion></exclusions>";
        let others = if self.alone { ALONE } else { "" };
        let dependency = |(group, name, version): &Artifact| {
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>\
                 <version>{version}</version>{others}</dependency>\n"
            )
        };
        let dependencies: String = self.artifacts.iter().map(dependency).collect();
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n\
             <modelVersion>4.0.0</modelVersion>\n\
             <groupId>plant-cockpit</groupId><artifactId>jars</artifactId><version>1</version>\n\
             <dependencies>\n{dependencies}</dependencies>\n</project>\n"
        )
    }
}
