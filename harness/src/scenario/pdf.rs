//! Documents made at run time.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str};

/// A4, in points.
const PAGE: Rect = Rect { x1: 0.0, y1: 0.0, x2: 595.0, y2: 842.0 };

/// A document of so many pages, each with its number on it, filled up to at least so many bytes.
pub(super) fn of(pages: usize, bytes: usize) -> Vec<u8> {
    let mut references = (1..).map(Ref::new);
    let mut next = || references.next().unwrap_or(Ref::new(1));
    let (catalog, tree, font) = (next(), next(), next());
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.type1_font(font).base_font(Name(b"Helvetica"));
    let kids: Vec<Ref> = (1..=pages)
        .map(|number| {
            let (page, content) = (next(), next());
            let mut writer = pdf.page(page);
            writer.media_box(PAGE).parent(tree).contents(content);
            writer.resources().fonts().pair(Name(b"F1"), font);
            writer.finish();
            pdf.stream(content, &text(number));
            page
        })
        .collect();
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(kids).count(count);
    let missing = bytes.saturating_sub(pdf.len());
    if missing > 0 {
        pdf.stream(next(), &vec![b' '; missing]);
    }
    pdf.finish()
}

fn text(number: usize) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_text();
    content.set_font(Name(b"F1"), 24.0);
    content.next_line(72.0, 720.0);
    content.show(Str(format!("Page {number}").as_bytes()));
    content.end_text();
    content.finish().to_vec()
}
