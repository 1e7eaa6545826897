use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plumbline_record::ExitCode;

use crate::arguments::Merge;
use crate::diagnostics::Failure;
use crate::printer::Printer;
use crate::replace::replace;

/// `plumbline report merge`
pub(super) fn merge(arguments: &Merge, printer: Printer) -> Result<ExitCode, Failure> {
    let Merge { records, out } = arguments;
    join(records, out).map_err(Failure::Configuration)?;
    printer.note(&format!("wrote {}", out.display()));
    Ok(ExitCode::Conformant)
}

fn join(records: &[PathBuf], out: &Path) -> anyhow::Result<()> {
    let records = records.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    fs::create_dir_all(out.parent().unwrap_or(Path::new("")))
        .with_context(|| format!("create the folder of {}", out.display()))?;
    replace(out, |file| {
        plumbline_record::merge(records, BufWriter::new(file))?;
        anyhow::Ok(())
    })
}

fn open(path: &Path) -> anyhow::Result<(String, BufReader<File>)> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    Ok((path.display().to_string(), BufReader::new(file)))
}
