// Verify an exported audit journal, without keys and without the gateway: node verify.mjs FOLDER [PUBLIC_KEY_BASE64]
// Prints a line a finding; exit 0 whole, 4 broken, 2 unreadable. Format and checks: README.md beside this file.
import { createHash, createPublicKey, verify } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const [LEAF, NODE, GENESIS] = [Buffer.from([0]), Buffer.from([1]), Buffer.alloc(32)];
const [folder, trusted] = process.argv.slice(2), findings = [], says = new Map(), heads = new Map();
const lines = (name) => createInterface({ input: createReadStream(`${folder}/${name}.jsonl`) });
const find = (code, writer, seq, text) => findings.push(`${code} ${writer}#${seq}: ${text}`);

class Tree { // RFC 6962 section 2.1: the roots of the complete subtrees, largest first
  size = 0; nodes = [];
  add(data) {
    let node = sha(LEAF, data);
    for (let left = this.size; left % 2; left = (left - 1) / 2) node = sha(NODE, this.nodes.pop(), node);
    this.nodes.push(node), this.size += 1;
  }
  root = () => this.nodes.length ? this.nodes.reduceRight((root, node) => sha(NODE, node, root)) : sha();
}
const about = JSON.parse(readFileSync(`${folder}/journal.json`)), raw = Buffer.from(trusted ?? about.public_key, "base64");
const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
const mark = sha(Buffer.from(`${about.origin}\n`), NODE, raw).subarray(0, 4); // the key's hash of a C2SP signed note

function take(note, number) { // one checkpoint: signed, and its root is that of its heads
  const cut = note.lastIndexOf("\n\n"), text = note.slice(0, cut + 1), tree = new Tree();
  const [origin, , root, , , ...said] = text.trimEnd().split("\n"), data = Buffer.from(note.slice(cut + 2).split(" ").at(-1), "base64");
  said.forEach((line) => tree.add(Buffer.from(line)));
  const signed = data.subarray(0, 4).equals(mark) && verify(null, Buffer.from(text), key, data.subarray(4));
  if (!signed || origin !== about.origin || root !== tree.root().toString("base64")) return find("unsigned", "", number, "not signed by this key");
  for (const [, writer, seq, chain, top] of said.map((line) => line.split(" "))) {
    says.set(`${writer} ${seq}`, [...(says.get(`${writer} ${seq}`) ?? []), { chain, top, number }]);
    const head = heads.get(writer) ?? heads.set(writer, { signed: 0 }).get(writer);
    head.signed = Math.max(head.signed, Number(seq));
  }
}
for await (const line of lines("heads")) { const head = JSON.parse(line); heads.set(head.writer, { ...head, signed: 0 }); }
const anchored = existsSync(`${folder}/anchor.jsonl`); let number = 0, copies = 0, at;
if (!anchored) find("anchor-missing", "", 0, "there is no copy from outside the database: a cut tail cannot be seen");
else for await (const line of lines("anchor")) { let note; try { note = JSON.parse(line).note; } catch { continue; } take(note, ++copies); }
for await (const line of lines("checkpoints")) {
  const row = JSON.parse(line);
  if (row.number !== ++number) find("checkpoint-missing", "", number, "missing in the database");
  number = row.number, take(row.note, number);
}
for await (const line of lines("entries")) { // per writer: number, chain, and what every signed checkpoint says of it
  const { writer, seq, hash, chain } = JSON.parse(line), head = heads.get(writer) ?? heads.set(writer, { signed: 0 }).get(writer);
  at = head.at ??= { chain: GENESIS, tree: new Tree(), bad: false };
  const bad = (code, text) => (at.bad = true, find(code, writer, code === "missing" ? at.tree.size + 1 : seq, text));
  if (at.bad) continue;
  if (seq !== at.tree.size + 1) { bad(seq > at.tree.size + 1 ? "missing" : "twice", "a record is missing, moved, or there twice"); continue; }
  at.tree.add(Buffer.from(hash, "hex")), at.chain = sha(at.chain, Buffer.from(hash, "hex"));
  const other = says.get(`${writer} ${seq}`)?.find((said) => said.chain !== at.chain.toString("base64") || said.top !== at.tree.root().toString("base64"));
  if (at.chain.toString("hex") !== chain) bad("altered", "the record does not fit the chain");
  else if (other) bad("rewritten", `differs from the signed checkpoint ${other.number}`);
}
for (const [writer, { signed, seq = 0, chain, at = { tree: new Tree(), chain: GENESIS } }] of heads) {
  if (!at.bad && signed > at.tree.size) find("cut", writer, at.tree.size + 1, `a signed checkpoint reaches to ${signed}`);
  if (!at.bad && (seq !== at.tree.size || (chain ?? "") !== at.chain.toString("hex"))) find("head", writer, at.tree.size, "the head differs");
}
findings.forEach((line) => console.log(line));
console.log(`${findings.length ? "BROKEN" : "whole"}: ${heads.size} chains, ${number} checkpoints, ${copies} outside the database`);
process.exitCode = findings.length ? 4 : 0;
