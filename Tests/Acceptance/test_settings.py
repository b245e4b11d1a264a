"""Section 9: settings, and how the process ends."""

import json
import os
import urllib.parse
import uuid

from judge.case import OwnWorldCase
from judge.process import AMQP_URI, Installation, free_port


class Settings(OwnWorldCase):
    def installation(self, **settings):
        installation = Installation("acc" + uuid.uuid4().hex[:10], **settings)
        self.addCleanup(installation.remove)
        return installation

    def run_worker(self, installation, *arguments, seconds=30, **settings):
        """(exit status, output) of a worker that is expected not to start."""
        worker = installation.worker(arguments=("run", *arguments), **settings)
        self.addCleanup(worker.kill)
        return worker.wait_end(seconds), worker.output()

    def test_bad_values(self):
        """The process stops at once and names the key and what is allowed."""
        for key, value, allowed in (
                ("amqp.prefetch", "many", ""), ("amqp.prefetch", "0", ""), ("amqp.prefetch", "-1", ""),
                ("amqp.heartbeat", "15", ""), ("amqp.topology", "create", "verify"), ("amqp.uri", "http://localhost", "amqp"),
                ("store.path", "", ""), ("startup.patience", "soon", ""), ("commands.maxBytes", "64K", ""),
                ("commands.requireKey", "perhaps", "true"), ("parking.patience", "-1s", ""), ("parking.limit", "x", ""),
                ("dedup.retention", "1y", ""), ("deadLetters.maxReplays", "x", ""), ("events.log.enabled", "2", "false"),
                ("http.address", "nowhere", ""), ("log.level", "loud", "info"), ("log.format", "xml", "json"),
                ("authorization.requiredFor", "alocate", "allocate")):
            with self.subTest(key, value=value):
                status, output = self.run_worker(self.installation(**{key.replace(".", "__"): value}), seconds=10)
                self.assertEqual(status, 78, output)
                self.assertIn(key, output)
                self.assertIn(allowed, output)

    def test_files(self):
        installation = self.installation()
        path = os.path.join(installation.folder.name, "settings.yaml")
        for note, text, expected in (
                ("unknown key", "amqp:\n  perfetch: 5\n", "perfetch"),
                ("unknown group", "rabbit:\n  uri: x\n", "rabbit"),
                ("bad value", "parking:\n  limit: lots\n", "parking.limit"),
                ("a list for a text", "log:\n  level: [info, debug]\n", "log.level"),
                ("no YAML", "amqp: [\n", "settings.yaml"),
                ("not UTF-8", b"amqp:\n  uri: \xff\xfe\n", "settings.yaml")):
            with self.subTest(note):
                with open(path, "wb") as file:
                    file.write(text if isinstance(text, bytes) else text.encode())
                status, output = self.run_worker(installation, "--config", path, seconds=10)
                self.assertEqual(status, 78, output)
                self.assertIn(expected, output)

    def test_a_missing_named_file(self):
        status, output = self.run_worker(self.installation(), "--config", "/no/such/file.yaml", seconds=10)
        self.assertEqual(status, 78, output)
        self.assertIn("/no/such/file.yaml", output)

    def test_environment_beats_file(self):
        installation = self.installation(commands__maxBytes="7777")
        path = os.path.join(installation.folder.name, "settings.yaml")
        with open(path, "w") as file:
            file.write("commands:\n  maxBytes: 5555\nparking:\n  limit: 7\n")
        rows = installation.rows("config", "--config", path)
        text = json.dumps(rows)
        self.assertIn("7777", text)
        self.assertNotIn("5555", text)
        self.assertRegex(text, r"\b7\b")

    def test_wrong_usage(self):
        installation = self.installation()
        for arguments in (("run", "--fast"), ("fly",), ("send", "allocate", "--locatoin", "5"), ("dead-letters", "list", "-5")):
            with self.subTest(arguments):
                done = installation.command(*arguments)
                self.assertEqual(done.returncode, 64, done.stdout + done.stderr)

    def test_help_and_version(self):
        installation = self.installation()
        for arguments in (("--help",), ("help",), ("--version",), ("run", "--help")):
            with self.subTest(arguments):
                done = installation.command(*arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.strip())

    def test_the_broker_is_away(self):
        port = free_port()
        status, output = self.run_worker(self.installation(
            amqp__uri=f"amqp://somebody:hush-hush@127.0.0.1:{port}/%2F", startup__patience="2s"), seconds=30)
        self.assertEqual(status, 69, output)
        self.assertIn(str(port), output)
        self.assertNotIn("hush-hush", output)

    def test_the_store_is_away(self):
        status, output = self.run_worker(
            self.installation(store__path="/no/such/folder/ostler.sqlite", startup__patience="2s"), seconds=30)
        self.assertIn(status, (69, 78), output)
        self.assertIn("/no/such/folder", output)

    def test_a_store_that_is_not_ours(self):
        installation = self.installation(startup__patience="2s")
        path = installation.settings["store.path"]
        contents = b"this is a letter to the editor, not a database\n" * 100
        with open(path, "wb") as file:
            file.write(contents)
        status, output = self.run_worker(installation, seconds=30)
        self.assertIn(status, (69, 78), output)
        self.assertIn(os.path.basename(path), output)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), contents, "it changes nothing")

    def test_a_wrong_password(self):
        place = urllib.parse.urlparse(AMQP_URI)
        uri = f"amqp://guest:wrong-secret@{place.hostname}:{place.port or 5672}{place.path or '/%2F'}"
        status, output = self.run_worker(self.installation(amqp__uri=uri, startup__patience="3s"), seconds=30)
        self.assertEqual(status, 69, output)
        self.assertNotIn("wrong-secret", output)
        self.assertRegex(output.lower(), r"refused|denied|credentials|password|access|login")

    def test_several_addresses_one_dead(self):
        world = self.make_world(amqp__uri=f"amqp://guest:guest@127.0.0.1:{free_port()}/%2F,{AMQP_URI}")
        world.settle()

    def test_json_logs(self):
        world = self.make_world(log__format="json")
        world.settle()
        lines = [line for line in world.worker.output().splitlines() if line.strip()]
        self.assertTrue(lines)
        for line in lines:
            self.assertIsInstance(json.loads(line), dict, line)
