// trip.mjs BASE TOKEN FOLDER BUNDLE... -- a courier's whole trip by the page alone, without scripts in
// the browser: upload, see what is in it, confirm, wait, take back. Responses are saved in FOLDER.
import { check, login, open, save, upload } from './browser.mjs';

const [base, token, folder, ...bundles] = process.argv.slice(2);
const { browser, context, page, faults } = await open(base, { javaScriptEnabled: false, ignoreHTTPSErrors: true });

await login(page, token);
check((await context.cookies()).every((c) => c.httpOnly && c.sameSite === 'Strict' && c.secure === base.startsWith('https')),
  'the cookie can be read by scripts, or sent by other sites');
check(await page.locator('html').getAttribute('lang') === 'en', 'the page has no language');
check(await page.locator('h1').count() === 1, 'the page has not one heading');
check(await page.locator('script, style, [style]').count() === 0, 'the page has scripts or styles of its own');

await upload(page, bundles);
if (bundles.length > 1) {
  check(await page.getByRole('heading', { name: 'What you brought' }).isVisible(), 'several bundles lead to no list');
}
for (;;) {
  await page.goto('/');
  const next = page.getByRole('row').filter({ hasText: /to be confirmed|being looked into/ });
  if (await next.count() === 0) break;
  await next.first().getByRole('link').click();
  // Nothing but the page itself says when the relay has looked: it reloads.
  await page.getByRole('button', { name: 'Confirm: hand it in' }).waitFor();
  const text = await page.locator('main').innerText();
  for (const words of ['site', 'enrolled', 'metrics', '2 records', 'Nothing has taken effect yet']) {
    check(text.includes(words), `the contents do not say "${words}": ${text}`);
  }
  check(!text.includes('"users"'), 'the page shows what is in a record');
  check(!(await page.getByRole('link', { name: /Download/ }).count()), 'there is a response before anything was confirmed');
  await page.getByRole('button', { name: 'Confirm: hand it in' }).click();
  await page.getByRole('heading', { name: 'Where its records are' }).waitFor();
  await page.getByRole('cell', { name: 'delivered' }).first().waitFor();
  await page.getByRole('link', { name: /Download/ }).first().waitFor();
}
await page.goto('/');
for (const link of await page.getByRole('link', { name: /^Download response/ }).all()) await save(page, link, folder);
await save(page, page.getByRole('link', { name: 'Download relay.card' }), folder);

// What was downloaded is marked.
await page.goto('/');
const marks = await page.getByRole('row').filter({ hasText: 'downloaded' }).count();
check(marks > 0 && marks === await page.getByRole('link', { name: /^Download response/ }).count(), `${marks} responses are marked`);

// On a phone nothing is wider than the screen.
await page.setViewportSize({ width: 360, height: 740 });
for (const path of ['/', '/bundle/1']) {
  await page.goto(path);
  check((await page.locator('body').boundingBox()).width <= 360, `${path} is too wide for a phone`);
}
await page.getByRole('button', { name: 'Log out' }).click();
await page.getByLabel('Your token').waitFor();
await page.goto('/bundle/1');
check(page.url().endsWith('/login'), 'who has logged out still sees his bundles');
check(faults.length === 0, faults.join('\n'));
await browser.close();
