// lossy.mjs PORT TARGET N -- pass requests on to 127.0.0.1:TARGET, and break the connection in place of
// the first N answers.
import http from "node:http";

const [port, target, n] = process.argv.slice(2).map(Number);
let left = n;

http.createServer((req, res) => {
    const { method, url, headers } = req;
    const onward = http.request({ host: "127.0.0.1", port: target, method, path: url, headers }, (answer) => {
        if (left > 0 && method === "POST") {
            left--;
            answer.resume();
            answer.on("end", () => req.socket.destroy());
            return;
        }
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
    });
    onward.on("error", () => req.socket.destroy());
    req.pipe(onward);
}).listen(port, "127.0.0.1");
