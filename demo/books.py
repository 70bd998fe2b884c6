"""A catalogue of books for the third part: a folder a title, with its ONIX message, its EPUB and its cover."""

import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Book:
    """One title."""

    isbn: str
    title: str
    author: str


BOOKS = (
    Book("9783990000014", "Die Uhr geht nach", "A. Turner"),
    Book("9783990000021", "Letters & Parcels", "M. Post"),
    Book("9783990000038", "Fünf nach Zwölf", "C. Ron"),
)
LATER = Book("9783990000045", "The Eleventh Hour", "H. Wait")


def lay(catalogue: Path, book: Book, price: str, now: datetime, text: str = "Chapter 1") -> None:
    """Write all of a title."""
    folder = catalogue / book.isbn
    folder.mkdir(parents=True, exist_ok=True)
    write_onix(catalogue, book, price, now)
    write_epub(catalogue, book, text)
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + book.title.encode() + b"\xff\xd9")


def write_onix(catalogue: Path, book: Book, price: str, now: datetime) -> None:
    """An ONIX for Books 3.0 message of one product; its header says when it was sent, and changes each time."""
    values = {"isbn": book.isbn, "title": escape(book.title), "author": escape(book.author), "price": price}
    made = _ONIX.format(**values, sent=f"{now:%Y%m%dT%H%M}")
    (catalogue / book.isbn / f"{book.isbn}.onix.xml").write_text(made, encoding="utf-8")


def write_epub(catalogue: Path, book: Book, text: str) -> None:
    """As small as an EPUB can be."""
    with zipfile.ZipFile(catalogue / book.isbn / f"{book.isbn}.epub", "w") as epub:
        epub.writestr("mimetype", "application/epub+zip")
        epub.writestr("META-INF/container.xml", _CONTAINER)
        epub.writestr("book.opf", _PACKAGE.format(isbn=book.isbn, title=escape(book.title)))
        epub.writestr("text.xhtml", f"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>{text}</p></body></html>")


_ONIX = """\
<?xml version="1.0" encoding="UTF-8"?>
<ONIXMessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/reference">
  <Header>
    <Sender><SenderName>Demo Press</SenderName></Sender>
    <SentDateTime>{sent}</SentDateTime>
  </Header>
  <Product>
    <RecordReference>demo.{isbn}</RecordReference>
    <NotificationType>03</NotificationType>
    <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{isbn}</IDValue></ProductIdentifier>
    <DescriptiveDetail>
      <ProductComposition>00</ProductComposition>
      <ProductForm>EA</ProductForm>
      <ProductFormDetail>E101</ProductFormDetail>
      <TitleDetail>
        <TitleType>01</TitleType>
        <TitleElement>
          <TitleElementLevel>01</TitleElementLevel>
          <TitleText>{title}</TitleText>
        </TitleElement>
      </TitleDetail>
      <Contributor>
        <SequenceNumber>1</SequenceNumber>
        <ContributorRole>A01</ContributorRole>
        <PersonName>{author}</PersonName>
      </Contributor>
    </DescriptiveDetail>
    <ProductSupply>
      <SupplyDetail>
        <Supplier><SupplierRole>01</SupplierRole><SupplierName>Demo Press</SupplierName></Supplier>
        <ProductAvailability>20</ProductAvailability>
        <Price>
          <PriceType>02</PriceType>
          <PriceAmount>{price}</PriceAmount>
          <CurrencyCode>EUR</CurrencyCode>
        </Price>
      </SupplyDetail>
    </ProductSupply>
  </Product>
</ONIXMessage>
"""

_CONTAINER = """\
<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""

_PACKAGE = """\
<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">urn:isbn:{isbn}</dc:identifier><dc:title>{title}</dc:title><dc:language>en</dc:language>
  </metadata>
  <manifest><item id="text" href="text.xhtml" media-type="application/xhtml+xml"/></manifest>
  <spine><itemref idref="text"/></spine>
</package>
"""
