"""HTCondor for `tests/clusters/htcondor`: the one on PATH, or Debian's or Ubuntu's packages, unpacked beside this tree."""

import glob
import re
import shutil
import subprocess
import sys
from pathlib import Path

PREFIX = Path(__file__).resolve().parents[2] / ".schedulers" / "htcondor"
# The releases that have HTCondor, for those that do not: Debian 12 has none.
RELEASES = {"debian": "trixie", "ubuntu": "noble"}


def fail(what):
    sys.exit(f"tests/clusters/htcondor: {what}")


class Apt:
    """apt with places of its own: it sees one release, and nothing that is installed."""

    def __init__(self, work):
        self.work = work
        for part in ("lists/partial", "cache/archives/partial", "debs"):
            (work / part).mkdir(parents=True)
        (work / "status").touch()
        # This machine's hooks are for what is installed.
        hooks = ("APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "DPkg::Post-Invoke")
        (work / "apt.conf").write_text("".join(f"#clear {hook};\n" for hook in hooks))
        settings = {"Dir::Etc::sourcelist": work / "sources.list", "Dir::Etc::sourceparts": "-",
                    "Dir::Etc::preferencesparts": "/dev/null", "Dir::State": work, "Dir::State::lists": work / "lists",
                    "Dir::State::status": work / "status", "Dir::Cache": work / "cache", "APT::Sandbox::User": "",
                    "APT::Install-Recommends": "0", "Debug::NoLocking": "1", "Acquire::Languages": "none"}
        self.options = ["-qq", "-c", str(work / "apt.conf")]
        for name, value in settings.items():
            self.options += ["-o", f"{name}={value}"]
        for target in ("DEP-11", "DEP-11-icons", "DEP-11-icons-small", "DEP-11-icons-hidpi", "CNF"):
            self.options += ["-o", f"Acquire::IndexTargets::deb::{target}::DefaultEnabled=false"]

    def run(self, *what, must=True):
        done = subprocess.run(["apt-get", *self.options, *what], capture_output=True, text=True, cwd=self.work / "debs")
        if must and done.returncode != 0:
            fail(f"apt-get {what[0]}: {done.stderr.strip()}")
        return done

    def packages(self, release):
        """HTCondor and what it needs of `release`, by name; none if it has no HTCondor."""
        uri, keyring, components = source()
        (self.work / "sources.list").write_text(f"deb [signed-by={keyring}] {uri} {release} {components}\n")
        self.run("update")
        planned = self.run("-s", "install", "condor", must=False).stdout
        names = re.findall(r"^Inst (\S+)", planned, re.M)
        wanted = re.compile(r"(condor|condor-upgrade-checks|lib[a-z0-9.+-]+|krb5-.*|net-tools)$")
        # What only scripts of packages need.
        spare = re.compile(r"lib(js|perl|date-manip|python3|c-bin|apt|pam|debconf|systemd|semanage).*$")
        return [name for name in names if wanted.match(name) and not spare.match(name)]


def os_release():
    lines = Path("/etc/os-release").read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def source():
    """Where apt gets this release's own packages from, by what key, and their components."""
    said = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(CODENAME)|$(COMPONENT)",
                           "Created-By: Packages"], capture_output=True, text=True, check=True).stdout
    release = os_release()
    rows = [line.split("|") for line in said.splitlines()]
    uris = [uri for uri, codename, _ in rows if codename == release.get("VERSION_CODENAME")]
    if not uris:
        fail("apt has no source for this release's packages")
    components = " ".join(sorted({component for uri, _, component in rows if uri == uris[0]}))
    family = "ubuntu" if release["ID"] == "ubuntu" else "debian"
    keyring = Path(f"/usr/share/keyrings/{family}-archive-keyring.gpg")
    if not keyring.exists():
        fail(f"{keyring} is missing: install {family}-archive-keyring or {family}-keyring")
    return uris[0], keyring, components


def is_installed():
    return bool(shutil.which("condor_master")) or (PREFIX / "ready").exists()


def release_dir():
    """Where bin, sbin and lib are."""
    master = shutil.which("condor_master")
    if master:
        return Path(master).resolve().parent.parent
    return PREFIX / "usr"


def install():
    if is_installed():
        return
    release = os_release()
    if release.get("ID") not in RELEASES and "debian" not in release.get("ID_LIKE", ""):
        fail("no condor_master on PATH: install HTCondor with this system's package manager")
    missing = [name for name in ("apt-get", "dpkg-deb", "tar", "patchelf") if not shutil.which(name)]
    if missing:
        fail(f"missing packages: {' '.join(missing)}")
    shutil.rmtree(PREFIX, ignore_errors=True)
    apt = Apt(PREFIX / "work")
    family = "ubuntu" if release["ID"] == "ubuntu" else "debian"
    for codename in (release["VERSION_CODENAME"], RELEASES[family]):
        packages = apt.packages(codename)
        if packages:
            break
    else:
        fail(f"neither {release['VERSION_CODENAME']} nor {RELEASES[family]} has the package condor")
    apt.run("download", *packages)
    unpack(sorted((PREFIX / "work/debs").glob("*.deb")))
    patched = patch()
    shutil.rmtree(PREFIX / "work")
    (PREFIX / "ready").write_text(f"{codename}\n")
    print(f"HTCondor of {codename}, {patched} programs, in {PREFIX}")


def unpack(debs):
    for name in ("bin", "sbin", "lib", "lib64"):
        (PREFIX / "usr" / name).mkdir(parents=True, exist_ok=True)
        (PREFIX / name).symlink_to(f"usr/{name}")
    spare = [f"--exclude=./usr/share/{name}*" for name in ("doc", "man", "locale")]
    for deb in debs:
        data = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", PREFIX, "--keep-directory-symlink", "--no-same-owner", *spare],
                       stdin=data.stdout, check=True)
        if data.wait() != 0:
            fail(f"{deb.name} cannot be unpacked")


def patch():
    """Makes each program use the C library and the libraries that it came with."""
    loaders = glob.glob(f"{PREFIX}/usr/lib/*/ld-linux-*.so.*")
    if not loaders:
        fail("the packages brought no C library")
    loader = Path(loaders[0])
    path = f"{loader.parent}:{PREFIX}/usr/lib:{PREFIX}/usr/lib/condor"
    patched = 0
    for place in ("bin", "sbin", "libexec/condor"):
        for program in sorted((PREFIX / "usr" / place).glob("*")):
            if program.is_symlink() or not program.is_file():
                continue
            with open(program, "rb") as file:
                is_elf = file.read(4) == b"\x7fELF"
            # Libraries are found by the path of the program that asks for them.
            ask = ["patchelf", "--print-interpreter", program]
            if not is_elf or subprocess.run(ask, capture_output=True).returncode != 0:
                continue
            subprocess.run(["patchelf", "--set-interpreter", loader.resolve(), "--force-rpath", "--set-rpath", path, program],
                           check=True)
            patched += 1
    return patched
