use lopdf::{Document, Error, LoadOptions};

/// Largest size, in bytes, that a compressed stream of a document's structure may unpack to.
const MOST_UNPACKED: usize = 16 * 1024 * 1024;

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
    let options =
        LoadOptions { strict: true, max_decompressed_size: Some(MOST_UNPACKED), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| match error {
        Error::InvalidPassword | Error::UnsupportedSecurityHandler(_) | Error::Decryption(_) => {
            BadPdf::Encrypted
        }
        _ => BadPdf::Damaged,
    })?;
    // It is taken away when the document is decrypted.
    if document.trailer.get(b"Encrypt").is_ok() {
        return Err(BadPdf::Encrypted);
    }
    match document.get_pages().len() {
        0 => Err(BadPdf::Damaged),
        pages => Ok(pages),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use lopdf::{EncryptionState, EncryptionVersion, Object, Permissions, dictionary};

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

    #[test]
    fn a_document_without_its_page_tree_is_damaged() {
        let mut document = document(1);
        let tree = document.catalog().unwrap().get(b"Pages").unwrap().as_reference().unwrap();
        document.objects.remove(&tree);
        assert_eq!(pages(&written(document)), Err(BadPdf::Damaged));
    }
}
