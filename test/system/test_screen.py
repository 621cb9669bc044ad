"""The machine at its screen and its PS/2 keyboard. What is seen is read back from QEMU's screendump with the font's glyphs.
SPDX-License-Identifier: BSD-2-Clause

Pictures of all that is looked at stay in build/shots (`scripts/shots` makes them anew).
"""

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

from build import BUILD, ISO, ROOT
from image import make_iso
from machine import ESCAPE, PROMPT, Machine
from scene import BOOT_SECONDS, equal, free_bytes, programs
from screen_text import BLACK, Reader

SHOTS = BUILD / "shots"
ALARM = (0x80, 0, 0)  # Paper of a panic.
INK, BRIGHT = (0xC8, 0xCC, 0xD0), (0xFF, 0xFF, 0xFF)  # Of the terminal, and of what is bold.
FILES = {"kernel.elf": BUILD / "kernel/kernel.elf", "root.elf": BUILD / "apps/root.elf",
         "archive.bin": BUILD / "apps/archive.bin", "font.bin": BUILD / "boot/font.bin"}
TEXT_COLUMNS, TEXT_ROWS, TEXT_MEMORY = 80, 25, 0xB8000  # VGA.
PROMPT_TEXT = ESCAPE.sub("", PROMPT)
reader = Reader(FILES["font.bin"].read_bytes())


def see(machine, what, timeout=BOOT_SECONDS):
    return machine.see(what, reader.text, timeout)


def shot(machine, name):
    SHOTS.mkdir(exist_ok=True)
    machine.screenshot(SHOTS / f"{name}.png")


def typed(machine, line, answer):
    """Type a line on the PS/2 keyboard; what the screen shows once `answer` and the next prompt are there."""
    machine.type_keys(line + "\n")
    machine.expect(f"\n{PROMPT}")
    return see(machine, rf"{answer}(?s:.*)\ntrust>\Z")


def serial_lines(text):
    return [line.rstrip() for line in ESCAPE.sub("", text).split("\n")]


@contextmanager
def image(config=lambda text: text, **files):
    """An ISO with other files (None: without it), or with another grub.cfg."""
    text = config((ROOT / "boot/grub.cfg").read_text())
    kept = {name: files.get(name.split(".")[0], path) for name, path in FILES.items()}
    for name, path in kept.items():
        if path is None:
            text = re.sub(rf"^ *module2 /boot/{name}.*\n", "", text, flags=re.M)
    with tempfile.NamedTemporaryFile(suffix=".iso") as iso:
        make_iso(iso.name, text, {name: path for name, path in kept.items() if path is not None})
        yield iso.name


@contextmanager
def at_the_prompt(firmware):
    with Machine(ISO, firmware=firmware, exit_device=False) as machine:
        machine.boot(BOOT_SECONDS)
        start = see(machine, "^trust>$")
        equal("the screen after the boot", start, ["Welcome to TRustOs. Type `help` for a list of commands.", "trust>"])
        shot(machine, f"{firmware}-boot")
        yield machine


def panic(machine, firmware):
    machine.control.call("inject-nmi")
    machine.expect(re.compile(r"trace: .*\n"))
    see(machine, r"-> 0x\w+$")
    shot(machine, f"{firmware}-panic")
    picture = machine.picture()
    lines, message = reader.text(picture), serial_lines(machine.log[machine.log.index("\nTRustOs panic"):])
    equal("panic on screen and line", lines[:8], message[:8])
    assert re.match("TRustOs panic: exception 2", lines[1]), lines
    corner = picture.pixel(picture.width - 1, picture.height - 1)
    equal("paper of a panic", [reader.cell(picture, 0, 1).paper, corner], [ALARM, ALARM])


def test_bios():
    """Shell, keys, restarts, long output, panic: one boot."""
    with at_the_prompt("bios") as machine:
        lines = typed(machine, "echo \"Hello, World!\" | cat; ps | head -20", "^Hello, World!$")
        shot(machine, "bios-shell")
        picture, last = machine.picture(), len(lines) - 1
        prompt = reader.cell(picture, 0, last)
        equal("the prompt", (prompt.character, prompt.ink, prompt.paper), ("t", BRIGHT, BLACK))
        equal("the cursor", reader.cell(picture, len(PROMPT_TEXT), last).paper, INK)
        edge = {picture.pixel(x, picture.height - 1) for x in range(picture.width)}
        equal("below", edge, {BLACK})
        keys_and_jobs(machine)
        restarts(machine)
        long_output(machine)
        panic(machine, "bios")


test_bios.limit = 240


def keys_and_jobs(machine):
    machine.type_keys("echo one")
    for key in ("home", "right", "delete", "end"):
        machine.keys(key)
    machine.type_keys("\n")
    machine.expect(f"\n{PROMPT}")
    see(machine, "^trust> eho one$")
    machine.keys("up")
    machine.keys("ctrl", "c")
    machine.expect(f"^C\n{PROMPT}")
    machine.type_keys("sleep 100000\n")
    machine.expect("sleep 100000\n")
    machine.keys("ctrl", "c")
    machine.expect(f"\n{PROMPT}")
    machine.keys("caps_lock")
    machine.type_keys("echo x")
    machine.keys("caps_lock")
    machine.expect("ECHO X")
    machine.keys("ctrl", "c")
    machine.expect(f"\n{PROMPT}")


def restarts(machine):
    """Screen and keyboard come back; the screen with what it showed; memory to the byte."""
    free, starts = free_bytes(machine), programs(machine)
    for server in ("screen", "ps2", "console", "screen", "ps2"):
        typed(machine, f"kill {server}", f"^trust> kill {server}$")
        typed(machine, f"echo after {server}", f"^after {server}$")
    machine.run("kill screen")
    see(machine, r"^after console$(?s:.*)^trust> kill ps2$(?s:.*)^after ps2$(?s:.*)\ntrust>\Z")
    equal("free memory", free_bytes(machine), free)
    equal("starts", [programs(machine)[name].starts - starts[name].starts for name in ("screen", "ps2")], [3, 2])


def long_output(machine):
    """More than the console keeps, faster than the screen paints: the last rows are those of the serial line."""
    _, rows = reader.size(machine.picture())
    for _ in range(3):
        machine.run("help; help; help; help; ps; caps; help; ps")
    typed(machine, "help; ps; echo done", "^done$")
    lines = reader.text(machine.picture())
    equal("rows", len(lines), rows)
    tail = serial_lines(machine.log)[-rows:]
    equal("the last rows", [line[:100] for line in lines[1:]], [line[:100] for line in tail[1:]])


def test_uefi():
    with at_the_prompt("uefi") as machine:
        typed(machine, "echo 'typed under UEFI'", "^typed under UEFI$")
        shot(machine, "uefi-shell")
        panic(machine, "uefi")


def test_without_a_serial_line():
    with Machine(ISO, serial=False) as machine:
        see(machine, "^trust>$")
        machine.type_keys("kill console; ps\n")
        see(machine, r"^ +1 console +200 .* 2$(?s:.*)^trust>\Z")
        shot(machine, "bios-no-serial")
        machine.halt_by_keys()


def refusal(firmware):
    with Machine(ISO, firmware=firmware, exit_device=False, extra=["-cpu", "qemu64"]) as machine:
        lines = see(machine, "cannot boot")
        equal("a refusal", lines, ["", "TRustOs", "", "TRustOs: cannot boot: the processor lacks XSAVE, FSGSBASE"])
        shot(machine, f"{firmware}-refusal")


def test_refusal_bios():
    refusal("bios")


def test_refusal_uefi():
    refusal("uefi")


def test_refusal_of_32_bits():
    """Before the kernel is in long mode."""
    with Machine(ISO, exit_device=False, extra=["-cpu", "max,lm=off"]) as machine:
        lines = see(machine, "cannot boot")
        equal("a refusal", lines, ["TRustOs: cannot boot: the processor has no long mode (64 bit)"])
        shot(machine, "bios-refusal-32")


def test_root_has_no_archive():
    """Root's own words."""
    with image(archive=None) as iso, Machine(iso, exit_device=False) as machine:
        lines = see(machine, "no boot module is called `archive`")
        assert lines[1] == "TRustOs" and lines[2].startswith("memory: "), lines
        assert lines[3].startswith("root: no boot module"), lines
        shot(machine, "bios-root")


def test_no_font():
    """The system runs; nobody writes on a screen for which there is no font."""
    with image(font=None) as iso, Machine(iso) as machine:
        machine.boot(BOOT_SECONDS)
        assert programs(machine)["screen"].state == "wait"
        picture = machine.picture()
        equal("colours", len(set(picture.pixels)), 1)
        machine.halt_by_keys()


def vga_text(machine):
    """Rows of the text mode's memory, and the attribute of the first cell."""
    with tempfile.NamedTemporaryFile() as file:
        machine.control.call("pmemsave", val=TEXT_MEMORY, size=2 * TEXT_COLUMNS * TEXT_ROWS, filename=file.name)
        cells = Path(file.name).read_bytes()
    rows = [cells[i:i + 2 * TEXT_COLUMNS:2].decode("cp437").rstrip("\0 ") for i in range(0, len(cells), 2 * TEXT_COLUMNS)]
    return rows, cells[1]


def test_text_mode():
    """VGA text is what there is."""
    def rows(_):
        return vga_text(machine)[0]

    asked = "    multiboot2 /boot/kernel.elf\n"  # Which sets the mode that the kernel asks for.
    with image(lambda text: text.replace(asked, asked + "    set gfxpayload=text\n")) as iso, \
            Machine(iso, exit_device=False) as machine:
        machine.boot(BOOT_SECONDS)
        machine.see("^trust>$", rows)
        machine.type_keys("echo in VGA text\n")
        machine.see("^in VGA text$", rows)
        shot(machine, "text-shell")
        machine.control.call("inject-nmi")
        machine.see("TRustOs panic: exception 2", rows)
        equal("attribute of a panic", vga_text(machine)[1], 0x4F)
        shot(machine, "text-panic")
