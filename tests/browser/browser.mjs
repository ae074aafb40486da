// browser.mjs -- Debian's Chromium for the tests of the courier's page, with what they all watch:
// errors in its console (so a breach of the Content-Security-Policy) and requests to anywhere else.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const programs = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

export async function open(base, options = {}) {
  const browser = await chromium.launch({
    executablePath: programs.find(existsSync),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const context = await browser.newContext({ baseURL: base, acceptDownloads: true, ...options });
  const faults = [];
  context.on('page', (page) => {
    page.setDefaultTimeout(15000);
    page.on('console', (m) => m.type() === 'error' && !/the server responded with a status of 4/.test(m.text()) &&
      faults.push(`console: ${m.text()}`));
    page.on('pageerror', (e) => faults.push(`error: ${e}`));
    page.on('request', (r) => new URL(r.url()).origin !== new URL(base).origin && faults.push(`asks ${r.url()}`));
  });
  const page = await context.newPage();
  return { browser, context, page, faults };
}

export function check(fact, what) {
  if (!fact) throw new Error(what);
}

export async function login(page, token) {
  await page.goto('/');
  await page.getByLabel('Your token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Bring bundles' }).waitFor();
}

// Upload files and wait until the relay has looked into what came.
export async function upload(page, files) {
  await page.goto('/');
  await page.getByLabel('Files of the drive').setInputFiles(files);
  await page.getByRole('button', { name: 'Upload' }).click();
}

// Follow a link to a file and keep it under the name that the page gives it.
export async function save(page, link, folder) {
  const download = page.waitForEvent('download');
  await link.click();
  const file = await download;
  await file.saveAs(`${folder}/${file.suggestedFilename()}`);
}
