"""What mkdocs does not do by itself (mkdocs.yml, `hooks`): pages from the top of the repository, and a list of the decisions."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DECISIONS = "decisions/index.md"
FROM_THE_TOP = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
CODE = re.compile(r"`[^`\n]+`")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, there in FROM_THE_TOP.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, there, content=_from_docs(text)))
    pages = sorted(Path(config.docs_dir, "decisions").glob("*.md"))
    lines = [f"- [{_title(page)}]({page.name})\n" for page in pages]
    text = f"# Decisions\n\nWhy things are as they are, in the order in which they were decided.\n\n{''.join(lines)}"
    files.append(File.generated(config, DECISIONS, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    for name, there in FROM_THE_TOP.items():
        markdown = markdown.replace(f"](../../{name}", f"](../{there}")
    # The code is no part of the site: its path remains.
    markdown = re.sub(
        r"\[[^\]]+\]\((?:\.\./)+((?:devctl|tests|templates|scripts)/[^)]+)\)", r"`\1`", markdown
    )
    lines = [_row(line) if line.startswith("|") else line for line in markdown.split("\n")]
    return "\n".join(lines)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _from_docs(text: str) -> str:
    """Links as they are from docs/."""
    for name, there in FROM_THE_TOP.items():
        text = text.replace(f"]({name}", f"]({there}")
    return text.replace("](docs/decisions/)", f"]({DECISIONS})").replace("](docs/", "](")


def _row(line: str) -> str:
    """GitHub reads `\\|` in code in a table as `|`; Python-Markdown shows the backslash."""
    return CODE.sub(lambda code: code[0].replace("\\|", "|"), line)
