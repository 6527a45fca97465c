"""Makes documents by libraries that write them, or opens them: office-documents.py make|open DIRECTORY PICTURE SECRET."""

import os
import sys

import docx
import openpyxl
from odf import dc, meta, text
from odf.opendocument import OpenDocumentText, load

what, directory, picture, secret = sys.argv[1:]
shown = "Card 4111 1111 1111 1111"


def path(name):
    return os.path.join(directory, name)


if what == "make":
    document = docx.Document()
    document.add_paragraph(shown)
    document.add_picture(picture)
    for key in ("author", "last_modified_by", "title", "keywords", "comments"):
        setattr(document.core_properties, key, secret)
    document.save(path("a.docx"))

    book = openpyxl.Workbook()
    book.active["A1"] = shown
    book.active.page_setup.paperSize = 9
    book.active.add_image(openpyxl.drawing.image.Image(picture))
    book.properties.creator = book.properties.lastModifiedBy = book.properties.title = secret
    book.save(path("a.xlsx"))

    written = OpenDocumentText()
    written.text.addElement(text.P(text=shown))
    written.addPicture(picture)
    written.meta.addElement(meta.InitialCreator(text=secret))
    written.meta.addElement(dc.Title(text=secret))
    written.save(path("a.odt"))
else:
    document = docx.Document(path("a.docx"))
    assert shown in [paragraph.text for paragraph in document.paragraphs]
    assert len(document.inline_shapes) == 1
    book = openpyxl.load_workbook(path("a.xlsx"))
    assert book.active["A1"].value == shown
    assert book.active.page_setup.paperSize == 9 and len(book.active._images) == 1
    opened = load(path("a.odt"))
    assert shown in str(opened.text) and len(opened.meta.childNodes) <= 1
    print("opened")
