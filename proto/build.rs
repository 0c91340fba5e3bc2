//! Compiles the wire's definitions without a protoc to install.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files =
        ["enrollment", "policy", "finding", "escrow", "plan", "records", "agent", "operator"]
            .map(|name| format!("palisade/v1/{name}.proto"));
    for file in &files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    tonic_prost_build::configure().codec_path("crate::wire::Codec").compile_fds(descriptors)?;
    Ok(())
}
