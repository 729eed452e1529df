'use strict';
// Judges captured exchanges with the Resource Manager by its specifications (oav), and by rules that
// the specifications do not hold. A finding that the table of suppressed ones names is counted, not
// reported; an entry of the table that matches nothing is reported, so that the table stays true; with
// --part it is not: the capture is known to hold a part of all traffic.
//
//   node judge-traffic.js [--part] SPECIFICATION-FOLDER SUPPRESSED.json CAPTURE-FOLDER…
const fs = require('fs');
const path = require('path');
const tools = path.join(__dirname, '../../tools/oav');
const { LiveValidator } = require(require.resolve('oav', { paths: [tools] }));

const words = process.argv.slice(2);
const isPart = words[0] === '--part';
const [specification, table, ...folders] = isPart ? words.slice(1) : words;
const suppressed = JSON.parse(fs.readFileSync(table, 'utf8'));
const used = new Set();
for (const entry of suppressed)
  if (!entry.path || !entry.reason) throw new Error(`no path or reason: ${JSON.stringify(entry)}`);

/** What each exchange must keep beyond its specification: {what, is(exchange)} that are broken. */
const rules = [
  { what: 'a reply with a body says that it is JSON',
    broken: ({ reply }) => Object.keys(reply.body).length > 0 &&
      !/^application\/json/.test(reply.headers['content-type'] || '') },
  { what: 'addresses of operations are absolute',
    broken: ({ reply }) => ['azure-asyncoperation', 'location']
      .some((name) => reply.headers[name] && !/^https:\/\//.test(reply.headers[name])) },
  { what: 'an accepted request says where to look',
    broken: ({ reply, request }) => reply.statusCode === '202' && request.method !== 'GET' &&
      !reply.headers['azure-asyncoperation'] && !reply.headers.location },
  { what: 'every reply can be traced',
    broken: ({ reply }) => !reply.headers['x-ms-request-id'] ||
      !reply.headers['x-ms-correlation-request-id'] },
  { what: 'no reply shows custom data or a password',
    broken: ({ reply }) => /"(customData|adminPassword)":/.test(JSON.stringify(reply.body)) },
  { what: 'a request names the version of its API',
    broken: ({ request }) => !/[?&]api-version=\d{4}-\d\d-\d\d/.test(request.url) },
];

const shape = (url) => url.split('?')[0]
  .replace(/\/subscriptions\/[^/]+/i, '/subscriptions/*')
  .replace(/\/resourceGroups\/[^/]+/i, '/resourceGroups/*')
  .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '*');

function isSuppressed(finding) {
  const index = suppressed.findIndex((entry) =>
    (!entry.side || entry.side === finding.side) && (!entry.code || entry.code === finding.code) &&
    new RegExp(entry.path, 'i').test(finding.path) &&
    new RegExp(entry.message || '').test(finding.message));
  if (index >= 0) used.add(index);
  return index >= 0;
}

function findingsOf(result, side, exchange) {
  const list = [...(result.errors || [])];
  if (result.runtimeException) list.push(result.runtimeException);
  return list.map((error) => ({
    side,
    code: error.code,
    message: [error.message, ...(error.pathsInPayload || [])].join(' at '),
    path: `${exchange.request.method} ${shape(exchange.request.url)} ${exchange.reply.statusCode}`,
  }));
}

async function judge(validator, file, seen) {
  const payload = JSON.parse(fs.readFileSync(file, 'utf8'));
  const exchange = { request: payload.liveRequest, reply: payload.liveResponse };
  seen.add(`${exchange.request.method} ${shape(exchange.request.url)}`);
  const found = rules.filter((rule) => rule.broken(exchange)).map((rule) => ({
    side: 'rule', code: 'RULE', message: rule.what,
    path: `${exchange.request.method} ${shape(exchange.request.url)} ${exchange.reply.statusCode}`,
  }));
  // Polls of operations are in no specification; the rules above are what holds for them.
  if (/\/(operations|operationResults|asyncoperations|operationresults)\//i.test(exchange.request.url))
    return found;
  const verdict = await validator.validateLiveRequestResponse(payload);
  return [...found, ...findingsOf(verdict.requestValidationResult, 'request', exchange),
          ...findingsOf(verdict.responseValidationResult, 'response', exchange)];
}

/** The judge is judged: a machine whose request has a misspelt member must be found out. */
async function findsAPlantedFault(validator, folder, files) {
  for (const name of files) {
    const payload = JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));
    const { method, url, body } = payload.liveRequest;
    if (method !== 'PUT' || !/virtualMachines/i.test(url) || !body.properties) continue;
    body.properties.osprofile = body.properties.osProfile;
    const verdict = await validator.validateLiveRequestResponse(payload);
    return !verdict.requestValidationResult.isSuccessful;
  }
  return false;
}

async function main() {
  const validator = new LiveValidator({
    directory: specification,
    isPathCaseSensitive: false,
    git: { shouldClone: false },
    swaggerPathsPattern: ['compute/**/*.json', 'network/**/*.json',
      'storage/resource-manager/**/*.json', 'msi/**/*.json', 'resources/**/*.json',
      'authorization/resource-manager/**/*.json'],
    excludedSwaggerPathsPattern: ['**/examples/**/*', '**/common-types/**', '**/common.json'],
    loadValidatorInBackground: false,
    loadValidatorInInitialize: false,
  }, () => {});  // what it has to say, it says in its verdicts
  await validator.initialize();
  let failed = false;
  for (const folder of folders) {
    const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
    const seen = new Set(), reported = new Map();
    let quiet = 0;
    for (const name of files)
      for (const finding of await judge(validator, path.join(folder, name), seen)) {
        if (isSuppressed(finding)) { quiet += 1; continue; }
        const text = `${finding.side} ${finding.code}: ${finding.path}: ${finding.message}`;
        reported.set(text, (reported.get(text) || 0) + 1);
      }
    console.log(`${path.basename(folder)}: ${files.length} exchanges of ${seen.size} kinds, ` +
      `${reported.size} findings, ${quiet} suppressed`);
    for (const [text, count] of reported) console.log(`  ${count} x ${text}`);
    // A capture that holds next to nothing proves nothing.
    if (files.length < 40 || seen.size < 15) {
      console.log('  too little was captured');
      failed = true;
    }
    if (!await findsAPlantedFault(validator, folder, files)) {
      console.log('  a planted fault was not found');
      failed = true;
    }
    failed = failed || reported.size > 0;
  }
  suppressed.forEach((entry, index) => {
    if (isPart || used.has(index)) return;
    console.log(`suppressed, but not seen any more: ${JSON.stringify(entry)}`);
    failed = true;
  });
  process.exit(failed ? 1 : 0);
}

main().catch((error) => { console.error(error); process.exit(1); });
