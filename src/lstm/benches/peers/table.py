"""The result of compare.py for people: models across, workers and ratios down."""


def text(result):
    models = list(dict.fromkeys(part["model"] for part in result["measured"]))
    groups = {}
    for part in result["measured"]:
        groups.setdefault((part["op"], part["batch"]), {})[part["model"]] = part
    lines = heading(result)
    for (op, batch), parts in groups.items():
        lines += ["", row(title(op, batch, parts), models)]
        pairs = list(dict.fromkeys((r["ours"], r["peer"]) for p in parts.values() for r in p["ratios"]))
        for mine, peer in pairs:
            lines.append(row(f"  {mine} : {peer}", [ratio(parts.get(m), mine, peer) for m in models]))
        names = dict.fromkeys(s["worker"] for part in parts.values() for s in part["settings"])
        for name in names:
            threads = sorted({s["threads"] for p in parts.values() for s in p["settings"] if s["worker"] == name})
            for n in threads:
                cells = [best(parts.get(m), name, n, op) for m in models]
                lines.append(row(f"  {name}, {n} thread{'s' * (n > 1)}", cells))
    return "\n".join(lines)


def heading(result):
    machine = result["machine"]
    used = [cores for part in result["measured"] for cores in part["cores_used_by_others"]]
    told = [f"{machine['cores']} cores of {machine['cpu']}, AVX-512 {'yes' if machine['avx512'] else 'no'},"
            f" {machine['memory']}, {machine['system']}",
            f"cores used by others before a round: {min(used):.1f} to {max(used):.1f}", result["command"]]
    for name, about in result["workers"].items():
        rest = ", ".join(f"{key} {value}" for key, value in about.items() if key != "command")
        told.append(f"{name}: {rest} ({about['command']})")
    return told


def title(op, batch, parts):
    if op == "train":
        return f"train, batch {batch}: ms a batch"
    if op == "score":
        return "score: 1,000 windows a second (batch)"
    windows = next(iter(parts.values()))["windows"]
    return f"bulk, {windows // 1_024} models × 1,024 windows: s an epoch"


def ratio(part, mine, peer):
    found = [r["ratio"] for r in (part or {"ratios": []})["ratios"] if (r["ours"], r["peer"]) == (mine, peer)]
    return f"{found[0]:.2f}×" if found else "–"


def best(part, name, threads, op):
    """The best batch of a worker with so many threads, in the unit of the op."""
    found = [s for s in (part or {"settings": []})["settings"]
             if (s["worker"], s["threads"]) == (name, threads) and s["batches"]]
    if not found:
        return "–"
    setting = min(found, key=lambda s: s["seconds_per_batch"] / s["batch"])
    seconds = setting["seconds_per_batch"]
    if op == "train":
        return f"{seconds * 1e3:.3f}"
    if op == "score":
        return f"{setting['batch'] / seconds / 1e3:.1f} ({setting['batch']})"
    return f"{seconds / setting['batch'] * part['windows']:.2f}"


def row(name, cells):
    return f"{name:52}" + "".join(f"{cell:>16}" for cell in cells)
