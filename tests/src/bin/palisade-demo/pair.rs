//! A controller and an agent, set up as a newcomer would, with every command shown as it is typed.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tests::daemon::{Daemon, Recipe, find};
use tests::world::{free_port, run, secret_file, text};

use crate::say;

/// The two programs that run by themselves.
pub struct Pair {
    folder: PathBuf,
    site_file: PathBuf,
    controller: Daemon,
    agent: Daemon,
}

impl Pair {
    /// Sets both up in a folder that is made anew, on the site of a site file.
    ///
    /// # Errors
    /// When a command fails; the message holds what it complained about.
    pub async fn set_up(folder: &Path, site_file: &Path) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::create_dir_all(folder)?;
        // A demonstration's root protects nothing; a real one's passphrase is asked for on the terminal.
        secret_file(&folder.join("passphrase"), "a demonstration and nothing else\n")?;
        let shell = Shell(folder);
        let address = free_port()?.to_string();
        say("\nA controller of the organisation \"acme\":")?;
        let init = format!(
            "palisade init acme --data controller --address {address} --listen {address} \
             --operator kim --code-file kim.code --passphrase-file passphrase"
        );
        shell.run(&init).await?;
        let controller = shell.start("palisade serve --config controller/palisade.toml").await?;
        say("\nKim logs in, and adds a site:")?;
        shell.run("palisade login --code-file kim.code").await?;
        shell.run("palisade site add harbour --token-file harbour.token").await?;
        say("\nThe box at the site joins with the token, and goes to work:")?;
        shell.run("palisade-agent enroll --token-file harbour.token --data agent").await?;
        let site = text(site_file)?;
        let agent = shell.start(&format!("palisade-agent run --data agent --site {site}")).await?;
        Ok(Self { folder: folder.to_owned(), site_file: site_file.to_owned(), controller, agent })
    }

    /// Has the agent look at every device, and shows what the controller knows then.
    ///
    /// # Errors
    /// As [`Self::set_up`].
    pub async fn show(&self) -> anyhow::Result<()> {
        let shell = Shell(&self.folder);
        say("\nKim need not wait for the next visit:")?;
        shell.run("palisade agent order visit harbour").await?;
        shell.run("palisade findings --site harbour --judgment unmet").await?;
        shell.run("palisade device list").await?;
        shell.run("palisade agent list").await?;
        shell.run("palisade audit log").await
    }

    /// Where both have their files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends both, and waits until they have.
    ///
    /// # Errors
    /// When one does not end.
    pub async fn end(self) -> anyhow::Result<()> {
        self.agent.terminate().await?;
        self.controller.terminate().await?;
        Ok(())
    }

    /// What to type in another terminal.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn explain(&self) -> anyhow::Result<()> {
        let programs = find("palisade")?;
        let programs = programs.parent().unwrap_or(Path::new("."));
        say(&format!(
            "\nBoth stay up until Ctrl-C. In another terminal:\n  cd {}\n  export HOME=$PWD PATH={}:$PATH\n  \
             palisade findings --watch\n  palisade-agent status --data agent\nand change something in {}.",
            self.folder.display(),
            programs.display(),
            self.site_file.display(),
        ))
    }
}

/// Runs command lines in a folder, which is also the home folder.
pub struct Shell<'a>(pub &'a Path);

impl Shell<'_> {
    /// Shows a command and what it prints.
    ///
    /// # Errors
    /// When it fails; the message holds what it complained about.
    pub async fn run(&self, line: &str) -> anyhow::Result<()> {
        say(&format!("$ {line}"))?;
        let shown = self.quietly(line).await?;
        io::stdout().write_all(shown.as_bytes()).context("cannot write to standard output")
    }

    /// What a command prints.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn quietly(&self, line: &str) -> anyhow::Result<String> {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        run(program, words, self.0, &[]).await
    }

    async fn start(&self, line: &str) -> anyhow::Result<Daemon> {
        say(&format!("$ {line} &"))?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let name = words.next().unwrap_or_default();
        let recipe = Recipe {
            program: find(&name)?,
            arguments: words.collect(),
            variables: Vec::new(),
            folder: self.0.to_owned(),
            name,
        };
        Ok(recipe.start().await?)
    }
}
