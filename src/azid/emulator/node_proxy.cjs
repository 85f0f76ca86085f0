// Loaded into Node.js by NODE_OPTIONS=--require: takes https requests and fetch through HTTPS_PROXY.
//
// Node.js does that itself from 22.21 and 24.5 on, where NODE_USE_ENV_PROXY asks for it. Older ones know no proxy, and
// libraries such as MSAL leave it to them.
"use strict";

const http = require("node:http");
const https = require("node:https");
const net = require("node:net");
const tls = require("node:tls");

const isBuiltIn = process.allowedNodeEnvironmentFlags.has("--use-env-proxy");
const proxy = isBuiltIn || !process.env.HTTPS_PROXY ? null : new URL(process.env.HTTPS_PROXY);
const direct = new Set((process.env.NO_PROXY ?? "").split(",").map((host) => host.trim()));

// CONNECT, RFC 9110 section 9.3.6.
function tunnel(host, port, callback) {
  http
    .request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: `${host}:${port}`, agent: false })
    .once("connect", (reply, socket) => {
      if (reply.statusCode === 200) return callback(null, socket);
      socket.destroy();
      callback(new Error(`The proxy of azid's emulator does not lead to ${host}:${port} (${reply.statusCode})`));
    })
    .once("error", callback)
    .end();
}

function takeHttps() {
  const connect = https.Agent.prototype.createConnection;
  https.Agent.prototype.createConnection = function (options, callback) {
    if (options.socket || options.socketPath || direct.has(options.host)) return connect.call(this, options, callback);
    tunnel(options.host, options.port ?? 443, (error, socket) => {
      if (error) return callback(error);
      callback(null, connect.call(this, { ...options, socket }));
    });
  };
}

function takeFetch() {
  const dispatcher = Symbol.for("undici.globalDispatcher.1");
  void globalThis.Headers; // loads undici, which sets the dispatcher
  const Agent = globalThis[dispatcher]?.constructor;
  if (Agent === undefined) return;
  globalThis[dispatcher] = new Agent({
    connect({ hostname, port, protocol }, callback) {
      const host = hostname.replace(/^\[(.*)\]$/, "$1");
      if (protocol !== "https:") return wait(net.connect({ host, port: port || 80 }), "connect", callback);
      const secure = (target) => {
        const servername = net.isIP(host) ? undefined : host; // RFC 6066 section 3
        wait(tls.connect({ ...target, host, servername }), "secureConnect", callback);
      };
      if (direct.has(host)) return secure({ port: port || 443 });
      tunnel(host, port || 443, (error, socket) => (error ? callback(error) : secure({ socket })));
    },
  });
}

function wait(socket, event, callback) {
  const failed = (error) => callback(error);
  socket.once("error", failed);
  socket.once(event, () => {
    socket.off("error", failed);
    callback(null, socket);
  });
}

if (proxy !== null) {
  takeHttps();
  takeFetch();
}
