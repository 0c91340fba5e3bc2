//! The newcomer's first minute: a pretend site on loopback, audited for real, with a table and a page to look at; then a
//! controller and an agent that keep watching it, and cure a camera that was forgotten.

mod cure;
mod pair;
mod programs;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agent::cli::{self, Console, Terminals};
use anyhow::{Context as _, bail};
use clap::Parser;
use tests::pretend_site::PretendSite;
use tokio::signal::unix::{SignalKind, signal};

use pair::Pair;

/// Starts a small pretend site on loopback, audits it, prints the table and writes the HTML report; then sets up a
/// controller and the site's agent, shows what they find, and has a forgotten camera cured.
#[derive(Parser)]
#[command(version)]
struct Demo {
    /// Keep site, controller and agent up afterwards, until Ctrl-C or SIGTERM, to play with.
    #[arg(long)]
    serve: bool,
    /// Where to put the site's files and the report; made if it is missing. Default: beside the program, in
    /// `palisade-demo`.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Some(code) = programs::act() {
        return Ok(code);
    }
    let demo = Demo::parse();
    cli::harden();
    let folder = demo.out.map_or_else(beside_the_program, Ok)?;
    // The programs are started in folders of their own.
    let folder = std::path::absolute(folder)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let site = runtime
        .block_on(PretendSite::start(&folder, agent::clock::now()))
        .context("cannot start the pretend site")?;
    show(&site, &folder)?;
    let links = folder.join("programs");
    programs::link(&links).context("cannot link the programs")?;
    tests::daemon::look_in(links);
    runtime.block_on(go_on(&site, &folder, demo.serve))?;
    Ok(ExitCode::SUCCESS)
}

/// Sets the pair up and shows it. Whatever ends this, SIGTERM as well, ends the two programs first.
async fn go_on(site: &PretendSite, folder: &Path, stays: bool) -> anyhow::Result<()> {
    let mut asked_to_end = signal(SignalKind::terminate())?;
    let (place, site_file) = (folder.join("pair"), site.site_file());
    let pair = tokio::select! {
        pair = Pair::set_up(&place, &site_file) => pair?,
        _ = asked_to_end.recv() => return Ok(()),
    };
    let show = async {
        pair.show().await?;
        let yard = site.cameras().find(|(name, ..)| *name == "yard");
        let (_, yard, _) = yard.context("the site has no yard")?;
        cure::show(pair.folder(), yard).await?;
        if stays {
            explain(site, folder)?;
            pair.explain()?;
            tokio::signal::ctrl_c().await?;
        }
        anyhow::Ok(())
    };
    let shown = tokio::select! {
        shown = show => shown,
        _ = asked_to_end.recv() => Ok(()),
    };
    pair.end().await?;
    shown
}

fn beside_the_program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let target = program.parent().and_then(Path::parent).context("this program lies nowhere")?;
    Ok(target.join("palisade-demo"))
}

fn show(site: &PretendSite, folder: &Path) -> anyhow::Result<()> {
    let (facts, page) = (folder.join("facts.json"), folder.join("report.html"));
    let (site_file, facts_text) = (text(&site.site_file())?, text(&facts)?);
    say("A pretend site is up on loopback. Auditing it as the site file says:")?;
    say(&format!("  palisade-agent audit --inventory {site_file} --save-facts {facts_text}\n"))?;
    agent(&["audit", "--inventory", &site_file, "--save-facts", &facts_text])?;
    let policy = text(&folder.join("policy.toml"))?;
    agent(&[
        "judge",
        &facts_text,
        "--policy",
        &policy,
        "--format",
        "html",
        "--output",
        &text(&page)?,
    ])?;
    say(&format!("\nThe same facts as a page for a customer: {}", page.display()))
}

/// Does what `palisade-agent` does with these arguments, in this process.
fn agent(arguments: &[&str]) -> anyhow::Result<()> {
    let mut console = Console {
        input: &mut io::empty(),
        output: &mut io::stdout(),
        errors: &mut io::stderr(),
        variable: &|name| std::env::var_os(name),
        ask: &cli::ask_password,
        terminals: Terminals::detect(),
    };
    let words = std::iter::once("palisade-agent").chain(arguments.iter().copied()).map(Into::into);
    match cli::run(words, &mut console) {
        cli::GOOD | cli::BAD => Ok(()),
        code => bail!("palisade-agent ended with exit code {code}"),
    }
}

fn explain(site: &PretendSite, folder: &Path) -> anyhow::Result<()> {
    say("\nThe site stays up until Ctrl-C. From another terminal, for example:")?;
    for (name, camera, user) in site.cameras() {
        let Some(address) = camera.https_address() else { continue };
        let password = folder.join(format!("{name}.pw"));
        say(&format!(
            "  palisade-agent audit https://{address} --user {user} --password-file {} --pin {}",
            password.display(),
            camera.pin()
        ))?;
    }
    say("palisade-agent lies beside this program once `cargo build --release --workspace` has run.")
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("{} is no readable name", path.display()))?;
    Ok(text.to_owned())
}

fn say(line: &str) -> anyhow::Result<()> {
    use io::Write as _;
    writeln!(io::stdout(), "{line}").context("cannot write to standard output")
}
