// Registers a schema and publishes one event for each line of standard input.
// Usage: node publish.js BROKERS REGISTRY TOPIC SUBJECT SCHEMA
const { Kafka, logLevel } = require("kafkajs");
const { SchemaRegistry, SchemaType } = require("@kafkajs/confluent-schema-registry");
const readline = require("node:readline");

async function main([brokers, host, topic, subject, schema]) {
  const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.ERROR });
  const registry = new SchemaRegistry({ host });
  const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject });
  const producer = kafka.producer();
  await producer.connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const value = await registry.encode(id, JSON.parse(line));
    await producer.send({ topic, messages: [{ key: "js", value }] });
  }
  await producer.disconnect();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
