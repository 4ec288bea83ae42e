"""Compare the texts of the program with their translations: `python scripts/messages.py` (part of `make check`).

Every text has an Arabic and a French translation, none is marked as a guess, and every placeholder survives. In French
no line breaks before a colon, a semicolon, a mark or inside of guillemets: the space there is a no-break space. The
apostrophe is the printed one.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("ar", "fr")
TYPED = re.compile("(?<=\\S) [:;?!»]|« |(?<=[A-Za-zÀ-ÿ])'(?=[A-Za-zÀ-ÿ])")
UPDATE = [sys.executable, "manage.py", "makemessages", "--no-obsolete", "--add-location=file", "--no-wrap", "-v0"]
UPDATE += [part for folder in (".venv", ".uv", "node_modules", "static", "tests", "var") for part in ("-i", folder)]


def update(*languages: str) -> None:
    """Collect the texts into the `.po` files of these languages, or of all."""
    command = [*UPDATE, *(part for language in languages or LANGUAGES for part in ("-l", language))]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> int:
    faults = 0
    for language in LANGUAGES:
        path = ROOT / "locale" / language / "LC_MESSAGES" / "django.po"
        if not path.exists():
            print(f"{path.relative_to(ROOT)} is missing")
            return 1
        kept = path.read_bytes()
        try:
            update(language)
            for fault, switch in (("untranslated", "--untranslated"), ("marked as a guess", "--only-fuzzy")):
                found = subprocess.run(
                    ["msgattrib", switch, "--no-obsolete", "--no-wrap", path],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                texts = [line[6:] for line in found.splitlines() if line.startswith("msgid ") and line != 'msgid ""']
                faults += len(texts)
                for text in texts:
                    print(f"{language}: {fault}: {text}")
        finally:
            path.write_bytes(kept)
        if language == "fr":
            entries = kept.decode().split("msgid ")[2:]  # without the header
            broken = [text for text in entries if TYPED.search(text.partition("msgstr")[2].partition("\n\n")[0])]
            faults += len(broken)
            for text in broken:
                print(f"fr: a plain space beside a mark, or a plain apostrophe: {text.partition(chr(10))[0]}")
        faults += subprocess.run(["msgfmt", "--check", "-o", "/dev/null", path], check=False).returncode
    print(f"translations: {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
