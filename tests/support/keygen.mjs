// keygen.mjs -- make licence and machine files in Keygen's form, with Node's own cryptography, as a
// second opinion on agent/license/keygen.c.
//
//   node keygen.mjs KEYFILE                          make KEYFILE if it is not there; print the public key
//   node keygen.mjs KEYFILE license|machine SECRET   JSON from standard input to a file on standard
//                                                    output; SECRET "": not encrypted
import crypto from 'node:crypto';
import fs from 'node:fs';

const [keyfile, kind, secret] = process.argv.slice(2);
if (!fs.existsSync(keyfile)) {
    const { privateKey } = crypto.generateKeyPairSync('ed25519');
    fs.writeFileSync(keyfile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
}
const key = crypto.createPrivateKey(fs.readFileSync(keyfile));

function seal(json) {
    if (secret === '')
        return json.toString('base64');
    const iv = crypto.randomBytes(12);
    const cipher = crypto.createCipheriv('aes-256-gcm', crypto.createHash('sha256').update(secret).digest(), iv);
    const sealed = Buffer.concat([cipher.update(json), cipher.final()]);
    return [sealed, iv, cipher.getAuthTag()].map((part) => part.toString('base64')).join('.');
}

if (kind === undefined) {
    const spki = crypto.createPublicKey(key).export({ type: 'spki', format: 'der' });
    console.log(spki.subarray(spki.length - 32).toString('hex'));
} else {
    const enc = seal(fs.readFileSync(0));
    const sig = crypto.sign(null, Buffer.from(`${kind}/${enc}`), key).toString('base64');
    const alg = secret === '' ? 'base64+ed25519' : 'aes-256-gcm+ed25519';
    const text = Buffer.from(JSON.stringify({ enc, sig, alg })).toString('base64');
    const name = `${kind.toUpperCase()} FILE`;
    console.log(`-----BEGIN ${name}-----\n${text.match(/.{1,60}/g).join('\n')}\n-----END ${name}-----`);
}
