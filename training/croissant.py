"""Croissant metadata of the corpus (MLCommons Croissant 1.0), from its manifest.

    python -m training.croissant

writes corpus/croissant.json; check it with mlcroissant validate --jsonld corpus/croissant.json.
"""

import json
from pathlib import Path
from typing import Any

import click

from claim_classifier import LABELS, __version__
from training.corpus import CORPUS, FIELDS, SPLITS

FILE = "croissant.json"
_TYPES = {str: "sc:Text", int: "sc:Integer", bool: "sc:Boolean"}
_MEANINGS = {
    "doc": "the document's id",
    "n": "the sentence's number in its document, from 1",
    "family": "the family of genres",
    "genre": "the genre",
    "text": "the sentence",
    "label": f"the adjudicated label: {', '.join(LABELS)}",
    "hard": "whether a surface cue would mislead a naive reader",
    "writer": "the label by the document's writer",
    "second": "the label by a second, blind annotator, where there is one",
    "second_choice": "that annotator's second choice, in doubt",
}
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def metadata(root: Path = CORPUS) -> dict[str, Any]:
    """The corpus's metadata: a file object a file, and a record set a family and split."""
    files = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["files"]
    documents = {name: entry for name, entry in files.items() if name.startswith("documents/")}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "claims_speculations_recommendations",
        "description": "English sentences in documents of many genres, each labelled as claim, speculation or "
        f"recommendation; written and labelled by a large language model. Splits: {', '.join(SPLITS)}.",
        "version": __version__,
        "datePublished": "2026-11-23",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "url": "https://creativecommons.org/licenses/by/4.0/",
        "citeAs": "The claim-classifier authors, Claims, speculations and recommendations, 2026",
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": "application/jsonlines",
                "sha256": entry["sha256"],
            }
            for name, entry in documents.items()
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": _record_set(name),
                "name": _record_set(name),
                "field": [_field(_record_set(name), name, field) for field in FIELDS],
            }
            for name in documents
        ],
    }


def _record_set(name: str) -> str:
    return name.removeprefix("documents/").removesuffix(".jsonl").replace("/", "-")


def _field(record_set: str, file: str, field: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{field}",
        "name": field,
        "description": _MEANINGS[field],
        "dataType": _TYPES[FIELDS[field]],
        "source": {"fileObject": {"@id": file}, "extract": {"column": field}},
    }


@click.command(help=__doc__)
def main() -> None:
    """Write the file."""
    (CORPUS / FILE).write_text(json.dumps(metadata(), indent=1) + "\n", encoding="utf-8")
    click.echo(CORPUS / FILE)


if __name__ == "__main__":
    main()
