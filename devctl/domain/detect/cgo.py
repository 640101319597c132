"""Whether code needs a C compiler."""

from __future__ import annotations

from devctl.domain.detect.main_package import Main
from devctl.domain.go.facts import Located

# Packages that do nothing without cgo, or need one that does, although some of them build without it: go-sqlite3's stub fails
# at run time.
_WRITTEN_IN_C = (
    "github.com/chai2010/webp",
    "github.com/confluentinc/confluent-kafka-go",
    "github.com/DataDog/zstd",
    "github.com/davidbyttow/govips",
    "github.com/duckdb/duckdb-go",
    "github.com/gen2brain/go-fitz",
    "github.com/go-gl",
    "github.com/godror/godror",
    "github.com/gofiber/storage/sqlite3",
    "github.com/golang-migrate/migrate/v4/database/sqlite3",
    "github.com/google/gopacket/pcap",
    "github.com/gopacket/gopacket/pcap",
    "github.com/h2non/bimg",
    "github.com/hybridgroup/gocv",
    "github.com/jinzhu/gorm/dialects/sqlite",
    "github.com/kolesa-team/go-webp",
    "github.com/libgit2/git2go",
    "github.com/linxGnu/grocksdb",
    "github.com/marcboeker/go-duckdb",
    "github.com/mattn/go-oci8",
    "github.com/mattn/go-sqlite3",
    "github.com/mutecomm/go-sqlcipher",
    "github.com/otiai10/gosseract",
    "github.com/pebbe/zmq4",
    "github.com/tecbot/gorocksdb",
    "github.com/valyala/gozstd",
    "github.com/yanyiwu/gojieba",
    "gocv.io/x/gocv",
    "gopkg.in/confluentinc/confluent-kafka-go.v1",
    "gopkg.in/gographics/imagick.v2",
    "gopkg.in/gographics/imagick.v3",
    "gorm.io/driver/sqlite",
)
_BELOW = tuple(f"{path}/" for path in _WRITTEN_IN_C)


def needs_cgo(main: Main) -> Located | None:
    """Which of the packages really built needs a C compiler, and where that is seen; None if none does."""
    for package in main.closure:
        if package.uses_cgo:
            return Located('import "C"', package.dir)
        for path in package.imports:
            if f"{path}/".startswith(_BELOW):
                return Located(path, package.dir)
    return None
