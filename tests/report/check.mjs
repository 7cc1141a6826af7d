// Looks at a report and at chart pages in headless Chromium: two widths, light and dark.
//
//   npm install --prefix tests/report
//   node tests/report/check.mjs report.html chart.html … [--shots DIR]
//
// Fails on: a console message, a request of any kind beside the page itself, a violation that axe-core finds, text
// that runs out of the page, a table that does not sort by its figures, a chart that shows another span than it
// tells, marks other than those of the table beside it, or ticks in the wrong place. CHROMIUM names the browser.
import { readFileSync, mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const args = process.argv.slice(2);
const at = args.indexOf("--shots");
const shots = at < 0 ? undefined : args.splice(at, 2)[1];
if (args.length === 0) throw new Error("name the pages to look at");
if (shots) mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const faults = [];
for (const file of args) {
  for (const width of [1280, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      const where = `${basename(file)} ${width} ${colorScheme}`;
      const fault = what => faults.push(`${where}: ${what}`);
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, deviceScaleFactor: 1 });
      const page = await context.newPage();
      const url = "file://" + resolve(file);
      page.on("console", message => fault(`console: ${message.text()}`));
      page.on("pageerror", error => fault(`error: ${error.message}`));
      page.on("request", request => request.url() === url || fault(`request: ${request.url()}`));
      await page.goto(url);
      const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number));
      if ((colorScheme === "dark") !== Math.max(...paper) < 80) fault(`the paper is ${paper}`);
      if (wide > inner) fault(`the page is ${wide} wide in ${inner}`);
      if (shots) {
        const name = `${basename(file).replace(/\W+/g, "-")}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: join(shots, name), fullPage: true });
      }
      if (file.endsWith(".html")) {
        await sorts(page, fault);
        await tellsHovers(page, fault);
        const picture = shots && (name => page.screenshot({ path: join(shots, name), fullPage: true }));
        await zooms(page, fault, () => picture?.(`${basename(file).replace(/\W+/g, "-")}-${width}-${colorScheme}-closer.png`));
        await page.addScriptTag({ content: axe });
        const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, help, nodes } of found.violations) {
          fault(`axe ${id}: ${help} (${nodes.length}, such as ${nodes[0].html.slice(0, 160)})`);
        }
        console.log(`${where}: axe ${found.passes.length} rules passed, ${found.violations.length} violated`);
      }
      await context.close();
    }
  }
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "nothing found" : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

// Every head of every table is pressed by the keyboard, twice, and the rows must then be in its order.
async function sorts(page, fault) {
  for (const table of await page.$$("table.sorts")) {
    const heads = await table.$$("thead th");
    for (const [idx, head] of heads.entries()) {
      const button = await head.$("button");
      if (!button) { fault(`a head without a button: ${await head.innerText()}`); continue; }
      for (const _ of [1, 2]) {
        await button.focus();
        await page.keyboard.press("Enter");
        const order = await head.getAttribute("aria-sort");
        const keys = await table.evaluate((table, idx) => [...table.tBodies[0].rows].map(row =>
          row.cells[idx].dataset.v ?? row.cells[idx].textContent), idx);
        const isNumber = await head.evaluate(head => head.classList.contains("n"));
        const known = isNumber ? keys.filter(key => key !== "").map(Number) : keys;
        const wrong = known.findIndex((key, idx) => idx > 0 && (order === "descending" ? known[idx - 1] < key : known[idx - 1] > key));
        if (wrong >= 0) fault(`${await head.innerText()} is not ${order}: ${known[wrong - 1]}, ${known[wrong]}`);
      }
    }
  }
}

// Where the pointer rests on a mark, a title is there to be shown.
async function tellsHovers(page, fault) {
  const told = page.locator("circle.told");
  const n = await told.count();
  for (const idx of [0, Math.floor(n / 2), n - 1].filter(idx => idx >= 0 && idx < n)) {
    const circle = told.nth(idx);
    await circle.scrollIntoViewIfNeeded();
    const box = await circle.boundingBox();
    const words = await page.evaluate(([x, y]) =>
      document.elementFromPoint(x, y)?.closest("circle.told")?.querySelector("title")?.textContent ?? "",
      [box.x + box.width / 2, box.y + box.height / 2]);
    if (words.length < 5) fault(`nothing is told at mark ${idx} of ${n}`);
  }
}

// Each chart of time is shown more closely by its button, the keyboard, the wheel and the pointer, and wholly again.
async function zooms(page, fault, takePicture) {
  // Each of them once; in other widths and colours, two.
  const isFirst = page.viewportSize().width > 1000 && await page.evaluate(() => matchMedia("(prefers-color-scheme: light)").matches);
  const charts = (await page.$$("svg[data-zoom]")).slice(0, isFirst ? undefined : 2);
  for (const [idx, svg] of charts.entries()) {
    const figure = await svg.evaluateHandle(svg => svg.closest("figure"));
    const bar = await figure.evaluateHandle(figure => figure.nextElementSibling);
    const [closer, , , , whole] = await bar.$$("button");
    const wrong = what => fault(`chart ${idx} of ${charts.length}: ${what}`);
    const first = await shown(svg, bar);
    for (const told of amiss(first)) wrong(`whole: ${told}`);
    const ways = {
      button: async () => { await closer.click(); await closer.click(); },
      keys: async () => { await figure.focus(); for (const key of ["+", "+", "ArrowLeft", "ArrowLeft", "ArrowRight"]) await page.keyboard.press(key); },
      wheel: async () => { await figure.focus(); await over(page, svg, 0.6); for (const _ of [1, 2, 3, 4]) await page.mouse.wheel(0, -120); },
      drag: async () => { await over(page, svg, 0.55); await page.mouse.down(); await over(page, svg, 0.7); await page.mouse.up(); },
    };
    for (const [way, act] of Object.entries(ways)) {
      await svg.scrollIntoViewIfNeeded();
      await act();
      await page.waitForFunction(([svg]) => svg.classList.contains("closer"), [svg]).catch(() => wrong(`${way} shows no span`));
      const now = await shown(svg, bar);
      for (const told of amiss(now)) wrong(`${way}: ${told}`);
      if (now.to - now.from >= (first.to - first.from) * 0.9) wrong(`${way}: ${now.told} is hardly less than ${first.told}`);
      if (way === "button") { await whole.click(); } else if (way === "drag") { await over(page, svg, 0.5); await page.mouse.dblclick(...await place(svg, 0.5)); } else { await page.keyboard.press("Escape"); }
      const after = await shown(svg, bar);
      if (JSON.stringify(after) !== JSON.stringify(first)) wrong(`${way}: not as at first once it is shown wholly again: ${after.told}`);
    }
    // As closely as it goes, at both ends: it never shows less than it has rows for, nor more than there is.
    await figure.focus();
    for (let n = 0; n < 20; n++) await page.keyboard.press("+");
    if (await closer.getAttribute("aria-disabled") !== "true") wrong("it can be shown more closely than as closely as it goes");
    const closest = await shown(svg, bar);
    for (const told of amiss(closest)) wrong(`closest: ${told}`);
    if (closest.to - closest.from < closest.least * 0.7) wrong(`${closest.told} is closer than its rows`);
    for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowRight");
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    if ((await shown(svg, bar)).told !== first.told) wrong("paper does not show the whole");
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    if ((await shown(svg, bar)).told === first.told) wrong("the span is forgotten once it is on paper");
    await whole.click();
    await closer.click();
  }
  if (charts.length) {
    await takePicture();
    await page.evaluate(() => document.querySelectorAll(".zoom button:last-of-type").forEach(button => button.click()));
  }
}

// A place of what can be seen of a chart.
async function place(svg, share) {
  const box = await (await svg.evaluateHandle(svg => svg.closest("figure"))).boundingBox();
  return [box.x + share * box.width, box.y + box.height / 2];
}

async function over(page, svg, share) {
  await page.mouse.move(...await place(svg, share), { steps: 4 });
}

// What a chart shows: the span that it tells, its ticks with their places, and its marks.
function shown(svg, bar) {
  return svg.evaluate((svg, bar) => {
    const { at, plot, least, panels, drawn } = JSON.parse(svg.dataset.zoom);
    const told = bar.querySelector("output").textContent;
    const [from, to] = told.match(/\d{4}-\d\d-\d\d/g).map(day => Date.parse(day));
    const ticks = [...svg.querySelectorAll("[data-ticks]")].map(group => ({
      axis: group.dataset.ticks,
      // A text belongs to the line before it.
      list: [...group.querySelectorAll("text")].map(text => {
        const line = text.previousElementSibling.getAttribute("points").split(/[ ,]+/).map(Number);
        return { words: text.textContent.trim(), x: line[0], y: line[1] };
      }),
      boxes: [...group.querySelectorAll("text")].map(text => { const { x, width, y, height } = text.getBBox(); return { x, width, y, height }; }),
    }));
    const marks = [...svg.querySelectorAll(".told")].filter(mark => getComputedStyle(mark).display !== "none").map(mark => ({
      day: Date.parse(mark.querySelector("title").textContent.match(/\d{4}-\d\d-\d\d/)[0]),
      x: (({ x, width }) => x + width / 2)(mark.getBBox()) + (mark.transform.baseVal.consolidate()?.matrix.e ?? 0),
    }));
    const table = svg.closest("main").querySelector("table:not(.sorts)");
    const days = svg.closest("section") ? null : table && [...table.tBodies[0].rows].map(row => Date.parse(row.cells[0].textContent.slice(0, 10)));
    return { told, from, to, at, plot, least, panels, drawn, ticks, marks, days, width: svg.viewBox.baseVal.width };
  }, bar);
}

// What is not where it belongs. Everything is worked out anew from words: dates, values, counts.
function amiss({ told, from, to, at, plot, ticks, marks, days, drawn, width }) {
  const found = [];
  const place = day => at[0] + (day - from) / (to - from) * (at[1] - at[0]);
  // Rounded to tenths of a pixel; months of a chart of decades are a little off by that.
  const isOff = (x, day) => Math.abs(x - place(day)) > 12;
  for (const mark of marks) {
    if (isOff(mark.x, mark.day)) found.push(`the mark of ${new Date(mark.day).toISOString()} lies at ${mark.x}, not ${place(mark.day)}`);
  }
  const n = Number(told.match(/([\d,]+) (flag|event)s?$/)[1].replaceAll(",", ""));
  if (n !== marks.length / drawn) found.push(`${told}, but ${marks.length / drawn} are drawn`);
  if (days && days.filter(day => day >= from && day <= to).length !== n) found.push(`${told}, but the table has ${days.filter(day => day >= from && day <= to).length}`);
  for (const { axis, list, boxes } of ticks) {
    if (list.length < 2) found.push(`${list.length} ticks on the axis ${axis} of ${told}`);
    if (boxes.some(({ x, width: w }) => x < 0 || x + w > width)) found.push(`a tick of the axis ${axis} runs out of the picture`);
    if (axis === "time") {
      let year;
      for (const { words, x } of list) {
        const [, day, month, own] = words.match(/^(?:(\d+) )?(?:([A-Z][a-z]+) ?)?(\d{4})?$/) ?? [];
        year = own ?? year;
        const date = Date.parse(`${day ?? 1} ${month ?? "Jan"} ${year} UTC`);
        if (!(Math.abs(x - place(date)) <= 12)) found.push(`the tick ${words} of ${told} lies at ${x}, not ${place(date)}`);
        if (x < plot[0] - 1 || x > plot[1] + 1) found.push(`the tick ${words} lies outside`);
      }
      boxes.sort((a, b) => a.x - b.x).forEach((box, idx) => idx && boxes[idx - 1].x + boxes[idx - 1].width > box.x && found.push(`ticks of ${told} overlap`));
    } else {
      const values = list.map(({ words }) => Number(words.replaceAll(",", "").replace("−", "-")));
      if (values.some(Number.isNaN) || list.some(({ y }, idx) => idx && (y - list[idx - 1].y) * (values[idx] - values[idx - 1]) >= 0)) found.push(`the values ${values} of ${told} do not ascend`);
    }
  }
  return found;
}
