// guard.mjs BASE TOKEN BUNDLE -- what keeps strangers and other sites from using the page: wrong tokens,
// forms of other pages, sessions that ended, names that lead here. Scripts run, as attackers' would.
import http from 'node:http';
import { check, login, open, upload } from './browser.mjs';

const [base, token, bundle] = process.argv.slice(2);
const { browser, context, page, faults } = await open(base);
const says = async (text) => {
  const main = await page.locator('main').innerText();
  check(main.includes(text), `does not say "${text}": ${main}`);
};

// Wrong tokens, then too many of them. The address of this test is its own, so nobody else waits.
for (const [typed, text] of [['abc', 'That is no token'], ['0'.repeat(32), 'This token is not known here']]) {
  await page.goto('/');
  check(page.url().endsWith('/login'), 'nobody is asked for a token');
  await page.getByLabel('Your token').fill(typed);
  await page.getByRole('button', { name: 'Log in' }).click();
  await says(text);
}
const before = await context.cookies();
await login(page, token.replaceAll('-', ' ').toUpperCase());
const after = await context.cookies();
check(before[0].value !== after[0].value, 'the session was chosen before it was logged in');

// A form that does not carry the session's proof does nothing.
await upload(page, [bundle]);
await page.getByRole('button', { name: /^Confirm/ }).waitFor();
for (const value of ['', '0'.repeat(64), before[0].value]) {
  await page.goto('/bundle/1');
  await page.locator('form[action$="/confirm"] input[name=csrf]').evaluate((e, v) => { e.value = v; }, value);
  await page.getByRole('button', { name: /^Confirm/ }).click();
  await says('was not made for this session');
}
await page.goto('/');
await page.locator('form[action="/upload"] input[name=csrf]').evaluate((e) => e.remove());
await page.getByLabel('Files of the drive').setInputFiles([bundle]);
await page.getByRole('button', { name: 'Upload' }).click();
await says('was not made for this session');

// Another site's page, in the same browser, with the form's proof somehow known: the cookie does not come
// along, and the browser says whose page it is.
const proof = await (await page.goto('/')) && await page.locator('form[action="/upload"] input[name=csrf]').inputValue();
const evil = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end(request.url === '/frame'
    ? `<iframe src="${base}/login"></iframe>`
    : `<form method=post action="${base}/bundle/1/confirm"><input name=csrf value="${proof}"><button>x</button></form>`);
});
await new Promise((done) => evil.listen(0, '127.0.0.1', done));
const other = await context.newPage();
await other.goto(`http://localhost:${evil.address().port}/`);
await other.getByRole('button').click();
check((await other.locator('main').innerText()).includes('sent by a page of another site'), 'a form of another site was taken');
await other.goto(`http://localhost:${evil.address().port}/frame`);
check(other.frames().length === 2, 'there is no frame');
check(await other.frames()[1].getByText('Your token').count() === 0, 'the page can be framed');
await other.close();
evil.close();
faults.length = 0; // those of the other site's page

// Nothing has been confirmed by all that.
await page.goto('/bundle/1');
await page.getByRole('button', { name: /^Confirm/ }).waitFor();
await page.getByRole('button', { name: 'Discard' }).click();
await page.getByRole('heading', { name: 'Bring bundles' }).waitFor();
check(await page.getByText('What you brought').count() === 0, 'what was discarded is still listed');
for (const path of ['/bundle/1', '/bundle/99', '/bundle/x', '/response/0.gfb', `/response/${'0'.repeat(32)}.gfb`, '/nothing', '/bundle/1/confirm']) {
  const answer = await page.goto(path);
  check(answer.status() === 404, `${path}: HTTP ${answer.status()}`);
}

// Too many wrong tokens.
await page.goto('/');
await page.getByRole('button', { name: 'Log out' }).click();
for (let i = 0; i < 6; i++) {
  await page.getByLabel('Your token').fill('1'.repeat(32));
  await page.getByRole('button', { name: 'Log in' }).click();
}
await says('Too many wrong tokens');
await page.getByLabel('Your token').fill(token);
await page.getByRole('button', { name: 'Log in' }).click();
await says('Too many wrong tokens');
check(faults.length === 0, faults.join('\n'));
await browser.close();
