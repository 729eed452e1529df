// Packs a built page into one file with its compressed forms, and writes the C++ source that embeds it.
//
//   node tools/pack.mjs FOLDER OUTPUT_FOLDER
//
// Fails when what the first view needs is larger than the budget.
import {createHash} from "node:crypto";
import {readFileSync, readdirSync, writeFileSync} from "node:fs";
import {extname, join, relative} from "node:path";
import {brotliCompressSync, constants, gzipSync} from "node:zlib";

const firstLoadBytesMax = 300_000;
const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

const [folder, output] = process.argv.slice(2);
const chunks = [];
let length = 0;
function add(bytes) {
  const at = length;
  chunks.push(bytes);
  length += bytes.length;
  return {at, size: bytes.length};
}

function files(below) {
  return readdirSync(below, {withFileTypes: true}).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

const none = {at: 0, size: 0};
const pages = files(folder)
  .sort()
  .map((path) => {
    const name = "/" + relative(folder, path);
    const type = types[extname(path)];
    if (!type) throw new Error(`${name}: its type is not known to tools/pack.mjs`);
    const bytes = readFileSync(path);
    const brotli = brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    });
    const gzip = gzipSync(bytes, {level: 9});
    const smaller = (packed) => packed.length < bytes.length;
    return {
      name,
      type,
      tag: createHash("sha256").update(bytes).digest("hex").slice(0, 20),
      fixed: name.startsWith("/assets/"),
      plain: add(bytes),
      gzip: smaller(gzip) ? add(gzip) : none,
      brotli: smaller(brotli) ? add(brotli) : none,
      text: bytes,
    };
  });

const index = pages.find((page) => page.name === "/index.html").text.toString();
const needed = pages.filter(
  (page) => page.name === "/index.html" || index.includes(`"${page.name}"`),
);
const sum = (form) =>
  needed.reduce((total, page) => total + (page[form].size || page.plain.size), 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `first load ${kilobytes(sum("brotli"))} with brotli, ${kilobytes(sum("gzip"))} with gzip`,
);
if (sum("gzip") > firstLoadBytesMax) {
  console.error(`first load: at most ${kilobytes(firstLoadBytesMax)}`);
  process.exit(1);
}

const bytes = Buffer.concat(chunks);
const packed = join(output, "pages.bin");
writeFileSync(packed, bytes);
const slice = ({at, size}) => (size ? `{packed_pages + ${at}, ${size}}` : "{}");
const rows = pages.map(
  (page) =>
    `        {.path = "${page.name}", .type = "${page.type}", .tag = "\\"${page.tag}\\"",\n` +
    `         .immutable = ${page.fixed}, .plain = ${slice(page.plain)},\n` +
    `         .gzip = ${slice(page.gzip)}, .brotli = ${slice(page.brotli)}},\n`,
);
// The digest makes this source another one when only the embedded file has changed.
writeFileSync(
  join(output, "pages.cpp"),
  `// ${createHash("sha256").update(bytes).digest("hex")}
#include "web/pages.h"

asm(".pushsection .rodata\\n"
    "packed_pages: .incbin \\"${packed}\\"\\n"
    ".popsection\\n");
extern "C" __attribute__((visibility("hidden"))) const char packed_pages[];

namespace hopyard::web {

const std::vector<Page>& embedded_pages() {
    static const std::vector<Page> pages = {
${rows.join("")}    };
    return pages;
}

}  // namespace hopyard::web
`,
);
