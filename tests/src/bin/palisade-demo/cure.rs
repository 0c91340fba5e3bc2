//! From judging to curing: a forgotten camera is planned for, changed, judged again, and given a password that nobody
//! has to know.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use proto::Secret;
use serde_json::Value;
use tests::devices::mobotix::{Camera, configs};

use crate::pair::Shell;
use crate::say;

/// What is to be cured, and that passwords are the agent's business from now on.
const POLICY: &str = "\
[stances]
C06 = \"enforce\"
C09 = \"enforce\"
C10 = \"enforce\"
C13 = \"enforce\"
C14 = \"enforce\"

[rotation]
passwords = true
";

/// Cures the camera `yard` and shows each command as it is typed.
///
/// # Errors
/// When a command fails, or the camera opens with another password than it should.
pub async fn show(folder: &Path, yard: &Camera) -> anyhow::Result<()> {
    let shell = Shell(folder);
    fs::write(folder.join("harden.toml"), POLICY)?;
    say(
        "\nThe yard's camera was forgotten. Kim writes down what it should be (harden.toml), and has it planned for:",
    )?;
    shell.run("palisade policy apply harden.toml --site harbour").await?;
    shell.run("palisade findings --site harbour --device yard --judgment unmet").await?;
    shell.run("palisade plan harbour yard").await?;
    let plans: Vec<Value> =
        serde_json::from_str(&shell.quietly("palisade plans harbour --format json").await?)?;
    let plan = plans.first().and_then(|plan| plan["id"].as_str()).context("there is no plan")?;
    say("\nExactly that is carried out, each step proven by a fresh look before it is saved:")?;
    shell.run(&format!("palisade apply {} --wait 2m", &plan[..8.min(plan.len())])).await?;
    shell.run("palisade agent order visit harbour yard").await?;
    shell.run("palisade findings --site harbour --device yard --judgment unmet").await?;
    rotate(&shell, folder, yard).await
}

async fn rotate(shell: &Shell<'_>, folder: &Path, yard: &Camera) -> anyhow::Result<()> {
    say(
        "\nIts password still is the one of the factory. New ones are sealed to a key that Kim keeps in a safe:",
    )?;
    let recipient = shell.quietly("palisade recovery key --out kim.key").await?;
    let recipient = recipient.trim();
    say(&format!("$ palisade recovery key --out kim.key\n{recipient}"))?;
    shell
        .run(&format!(
            "palisade recovery set --recipient {recipient} --threshold 1 --config controller/palisade.toml \
             --passphrase-file passphrase"
        ))
        .await?;
    shell.run("palisade rotate harbour yard --what password --reason command --wait 2m").await?;
    shell.run("palisade rotations harbour").await?;
    shell
        .run("palisade secret show harbour yard --key kim.key --reason demonstration --out yard.json")
        .await?;
    let shown: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("yard.json"))?)?;
    // The second administrator, which stood meanwhile, is in escrow as well.
    let own = shown.iter().find(|row| row["kind"] == "device_password");
    let secret = own.and_then(|row| row["secret"].as_str()).context("no password was shown")?;
    ensure!(yard.takes("admin", &Secret::new(secret)), "the camera does not take the new password");
    let old = Secret::new(configs::FACTORY_PASSWORD);
    ensure!(!yard.takes("admin", &old), "the camera still takes the factory password");
    say(
        "\nThe camera opens with the password in yard.json, and no longer with the factory's. Since it was shown to\n\
         somebody, it is replaced by itself within the time that the policy gives.",
    )
}
