// Looks at a report and at chart pages in headless Chromium: two widths, light and dark.
//
//   npm install --prefix tests/report
//   node tests/report/check.mjs report.html chart.html … [--shots DIR]
//
// Fails on: a console message, a request of any kind beside the page itself, a violation that axe-core finds, text
// that runs out of the page, a table that does not sort by its figures. CHROMIUM names the browser.
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
