use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind};

use lopdf::{Dictionary, Document, Error, LoadOptions, Object, ObjectId, Stream};

/// Largest size, in bytes, that a compressed stream of a document's structure may unpack to, and that all streams of
/// objects may together.
const MOST_UNPACKED: usize = 16 * 1024 * 1024;
/// What the objects of a document may take beyond four times its size, in bytes, however often it names them.
const MOST_TAKEN: usize = 64 * 1024 * 1024;
/// What one value takes at least, in bytes.
const VALUE: usize = 64;

thread_local! {
    /// What the streams of objects of the document that is being read may still unpack to; nothing once that was too
    /// little. The reader takes a plain function, which has no other place to keep it.
    static ROOM: Cell<Option<usize>> = const { Cell::new(None) };
    /// What its objects may still take.
    static MEMORY: Cell<usize> = const { Cell::new(0) };
}

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPdf {
    /// It is locked with a password that nobody gave.
    #[error("it is encrypted and needs a password")]
    Encrypted,
    /// It is no PDF, a broken one, or one without a page.
    #[error("it is not a PDF, or a damaged one")]
    Damaged,
}

/// How many pages a PDF has. One that is encrypted with an empty password opens like any other.
pub(super) fn pages(bytes: &[u8]) -> Result<usize, BadPdf> {
    // A lenient reader would repair what a caller is to be told of.
    let options = LoadOptions {
        strict: true,
        max_decompressed_size: Some(MOST_UNPACKED),
        filter: Some(admit),
        ..LoadOptions::default()
    };
    ROOM.set(Some(MOST_UNPACKED));
    MEMORY.set(MOST_TAKEN.saturating_add(bytes.len().saturating_mul(4)));
    // Too much of it ends the reading by unwinding, the only way out that the reader leaves a filter.
    let loaded = catch_unwind(|| Document::load_mem_with_options(bytes, options));
    let document = loaded.map_err(|_| BadPdf::Damaged)?.map_err(|error| match error {
        Error::InvalidPassword | Error::UnsupportedSecurityHandler(_) | Error::Decryption(_) => {
            BadPdf::Encrypted
        }
        _ => BadPdf::Damaged,
    })?;
    if ROOM.get().is_none() {
        return Err(BadPdf::Damaged);
    }
    // It is taken away when the document is decrypted.
    if document.trailer.get(b"Encrypt").is_ok() {
        return Err(BadPdf::Encrypted);
    }
    match document.get_pages().len() {
        0 => Err(BadPdf::Damaged),
        pages => Ok(pages),
    }
}

/// Keeps every object but those streams of objects that would take too much memory. Of what it gives back for a stream
/// nothing is used.
fn admit(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    match MEMORY.get().checked_sub(taken(object)) {
        Some(left) => MEMORY.set(left),
        None => resume_unwind(Box::new(BadPdf::Damaged)),
    }
    let Object::Stream(stream) = &*object else { return Some((id, object.clone())) };
    if stream.dict.has_type(b"ObjStm") {
        let room = ROOM.get()?;
        let left = unpacked(stream, room).and_then(|size| room.checked_sub(size));
        ROOM.set(left);
        left?;
    }
    Some((id, Object::Null))
}

/// What an object takes in memory, roughly.
fn taken(object: &Object) -> usize {
    let of_entries = |entries: &Dictionary| -> usize { entries.iter().map(|(_, value)| taken(value)).sum() };
    VALUE
        + match object {
            Object::Array(items) => items.iter().map(taken).sum(),
            Object::Dictionary(entries) => of_entries(entries),
            Object::Stream(stream) => of_entries(&stream.dict) + stream.content.len(),
            Object::String(text, _) | Object::Name(text) => text.len(),
            _ => 0,
        }
}

/// The size of a stream of objects, unpacked, where it is at most this. Its objects stand one behind the other, or each
/// could be as large as all of them.
fn unpacked(stream: &Stream, most: usize) -> Option<usize> {
    let content = stream.get_plain_content_with_limit(most).ok()?;
    let first = stream.dict.get(b"First").and_then(Object::as_i64).ok()?;
    let index = std::str::from_utf8(content.get(..usize::try_from(first).ok()?)?).ok()?;
    let offsets = index.split_whitespace().skip(1).step_by(2).map(|offset| offset.parse::<u32>().ok());
    let offsets: Vec<u32> = offsets.collect::<Option<_>>()?;
    offsets.is_sorted_by(|one, next| one < next).then_some(content.len())
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use lopdf::{EncryptionState, EncryptionVersion, Permissions, dictionary};

    use super::*;

    macro_rules! fixture {
        ($file:literal) => {
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/files/", $file))
        };
    }

    /// A PDF of so many empty pages.
    pub(in super::super) fn pdf(pages: i64) -> Vec<u8> {
        written(document(pages))
    }

    fn document(pages: i64) -> Document {
        let mut document = Document::with_version("1.5");
        let tree = document.new_object_id();
        let kids: Vec<Object> = (0..pages)
            .map(|_| document.add_object(dictionary! { "Type" => "Page", "Parent" => tree }).into())
            .collect();
        let root = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => pages };
        document.objects.insert(tree, Object::Dictionary(root));
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
        document.trailer.set("Root", catalog);
        document
    }

    fn written(mut document: Document) -> Vec<u8> {
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    fn encrypted(user_password: &str) -> Vec<u8> {
        let mut document = document(2);
        let id = || Object::string_literal("plumbline");
        document.trailer.set("ID", vec![id(), id()]);
        let version = EncryptionVersion::V2 {
            document: &document,
            owner_password: "owner",
            user_password,
            key_length: 128,
            permissions: Permissions::all(),
        };
        let state = EncryptionState::try_from(version).unwrap();
        document.encrypt(&state).unwrap();
        written(document)
    }

    #[test]
    fn the_fixtures_are_what_their_names_say() {
        assert_eq!(pages(fixture!("minimal.pdf")), Ok(1));
        assert_eq!(pages(fixture!("encrypted.pdf")), Err(BadPdf::Encrypted));
        assert_eq!(pages(fixture!("corrupted.pdf")), Err(BadPdf::Damaged));
        assert_eq!(pages(fixture!("note.txt")), Err(BadPdf::Damaged));
    }

    #[test]
    fn pages_are_counted() {
        for count in [1, 3, 250] {
            assert_eq!(pages(&pdf(count)), Ok(usize::try_from(count).unwrap()));
        }
    }

    #[test]
    fn a_document_that_needs_a_password_is_not_opened_and_one_that_needs_none_is() {
        assert_eq!(pages(&encrypted("secret")), Err(BadPdf::Encrypted));
        assert_eq!(pages(&encrypted("")), Ok(2));
    }

    #[test]
    fn what_is_no_whole_pdf_is_damaged() {
        let whole = pdf(3);
        for damaged in [&b""[..], b"%PDF-1.4\n", b"hello", &whole[..whole.len() / 2], &pdf(0)[..]] {
            assert_eq!(pages(damaged), Err(BadPdf::Damaged), "{}", String::from_utf8_lossy(damaged));
        }
    }

    /// A PDF of one page and of these further objects.
    fn with_objects(further: &[String]) -> Vec<u8> {
        let page = [
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R>>",
        ];
        let mut text = "%PDF-1.5\n".to_owned();
        let mut table = "0000000000 65535 f \n".to_owned();
        let mut size = 1;
        for object in page.into_iter().chain(further.iter().map(String::as_str)) {
            writeln!(table, "{:010} 00000 n ", text.len()).unwrap();
            writeln!(text, "{size} 0 obj\n{object}\nendobj").unwrap();
            size += 1;
        }
        let start = text.len();
        writeln!(text, "xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R>>").unwrap();
        writeln!(text, "startxref\n{start}\n%%EOF").unwrap();
        text.into_bytes()
    }

    #[test]
    fn an_object_that_is_named_again_and_again_is_not_read_without_end() {
        // Each entry of the table names the same stream of 100 KB.
        let stream = format!("<</Length 100000>>stream\n{}\nendstream", "x".repeat(100_000));
        let file = String::from_utf8(with_objects(&[stream])).unwrap();
        let (body, rest) = file.split_once("xref\n0 5\n").unwrap();
        let (entries, _) = rest.split_once("trailer").unwrap();
        let last = entries.lines().last().unwrap();
        let table = format!("{entries}{}", format!("{last}\n").repeat(5_000));
        let start = body.len();
        let bomb = format!(
            "{body}xref\n0 5005\n{table}trailer\n<</Size 5005/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
        );
        assert_eq!(pages(file.as_bytes()), Ok(1));
        assert_eq!(pages(bomb.as_bytes()), Err(BadPdf::Damaged));
    }

    /// A stream of objects with this index.
    fn object_stream(index: &str, objects: &str) -> String {
        let (count, first) = (index.split_whitespace().count() / 2, index.len());
        let length = first + objects.len();
        format!("<</Type/ObjStm/N {count}/First {first}/Length {length}>>stream\n{index}{objects}\nendstream")
    }

    #[test]
    fn streams_of_objects_are_read_up_to_a_bound() {
        assert_eq!(pages(&with_objects(&[object_stream("10 0 11 4 ", "(a) (b)")])), Ok(1));
        // A small file could say a large object a thousand times.
        let same = object_stream("10 0 11 0 ", "(a)");
        assert_eq!(pages(&with_objects(&[same])), Err(BadPdf::Damaged));
        let large =
            |id: u32| object_stream(&format!("{id} 0 "), &format!("({})", "a".repeat(MOST_UNPACKED / 3)));
        assert_eq!(pages(&with_objects(&[large(10), large(11)])), Ok(1));
        let too_large = with_objects(&[large(10), large(11), large(12)]);
        assert_eq!(pages(&too_large), Err(BadPdf::Damaged));
    }

    #[test]
    fn a_document_without_its_page_tree_is_damaged() {
        let mut document = document(1);
        let tree = document.catalog().unwrap().get(b"Pages").unwrap().as_reference().unwrap();
        document.objects.remove(&tree);
        assert_eq!(pages(&written(document)), Err(BadPdf::Damaged));
    }
}
