"""The examples for docker compose, Kubernetes and Ansible in ``install``."""

import subprocess
import sys
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from jinja2 import Environment
from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.lookup.loading import load_snapshot
from trualias.main import command_line, run
from trualias.testing.requirements import source_tree

_KUBERNETES = "1.32"
_ROLE = "install/ansible/roles/trualias"


def tool(*arguments: str, folder: str = "") -> tuple[int, str]:
    """Run a tool by the module of its Python package, in a folder of the source tree; return its status and output."""
    done = subprocess.run(
        (sys.executable, "-m", *arguments),
        cwd=source_tree() / folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def read_yaml(name: str) -> Any:
    """Return the only document of a YAML file."""
    return yaml.safe_load((source_tree() / name).read_text("utf-8"))


class ComposeTests(SynchronousTestCase):
    """The file for docker compose."""

    def test_schema(self) -> None:
        """It is valid by the Compose Specification."""
        command = ("check_jsonschema", "--builtin-schema", "vendor.compose-spec", "install/compose.yaml")
        self.assertEqual((0, "ok -- validation done\n"), tool(*command))

    def test_image(self) -> None:
        """It builds the Dockerfile of the tree, and mounts the folders that the Dockerfile names."""
        service = read_yaml("install/compose.yaml")["services"]["virtual"]
        self.assertTrue((source_tree() / "install" / service["build"] / "Dockerfile").is_file())
        text = (source_tree() / "Dockerfile").read_text("utf-8")
        for volume in service["volumes"]:
            self.assertIn(volume.split(":")[1], text)


class KubernetesTests(SynchronousTestCase):
    """The manifest for Kubernetes."""

    def setUp(self) -> None:
        """Read its documents."""
        text = (source_tree() / "install" / "kubernetes.yaml").read_text("utf-8")
        self.documents = {document["kind"]: document for document in yaml.safe_load_all(text)}

    def test_schema(self) -> None:
        """Each document is valid, without unknown fields."""
        self.assertEqual(["ConfigMap", "Deployment", "NetworkPolicy", "Service"], sorted(self.documents))
        for document in self.documents.values():
            kubernetes_validate.validate(document, _KUBERNETES, strict=True)

    def test_configuration(self) -> None:
        """The configuration is valid; its ports are those of the container; the probe's command exists."""
        folder = Path(self.mktemp())
        folder.mkdir()
        ((name, text),) = self.documents["ConfigMap"]["data"].items()
        (folder / name).write_text(text, "utf-8")
        settings = load_snapshot(str(folder / name)).configuration.settings
        (container,) = self.documents["Deployment"]["spec"]["template"]["spec"]["containers"]
        assert settings.metrics is not None
        ports = [port["containerPort"] for port in container["ports"]]
        self.assertEqual([settings.port, settings.metrics.port], ports)
        self.assertEqual([settings.port], [port["port"] for port in self.documents["Service"]["spec"]["ports"]])
        program, *arguments = container["livenessProbe"]["exec"]["command"]
        self.assertEqual("trualias", program)
        command_line().parse_args(arguments)


class AnsibleTests(SynchronousTestCase):
    """The role and the playbook for Ansible."""

    def test_syntax(self) -> None:
        """Ansible accepts the playbook and the role."""
        command = ("ansible.cli.playbook", "--syntax-check", "--inventory", "mail,", "playbook.yml")
        status, output = tool(*command, folder="install/ansible")
        self.assertEqual(0, status, output)

    def test_configuration(self) -> None:
        """The configuration that the playbook writes passes the check that the role makes."""
        variables = {
            **read_yaml(f"{_ROLE}/defaults/main.yml"),
            **read_yaml("install/ansible/playbook.yml")[0]["roles"][0]["vars"],
        }
        template = (source_tree() / _ROLE / "templates/tcp_virtual_server.conf.j2").read_text("utf-8")
        folder = Path(self.mktemp())
        folder.mkdir()
        path = folder / "tcp_virtual_server.conf"
        path.write_text(Environment(keep_trailing_newline=True).from_string(template).render(variables), "utf-8")
        (validated,) = (
            list(task.values())[1]["validate"]
            for task in read_yaml(f"{_ROLE}/tasks/main.yml")
            if "Write" in task["name"]
        )
        output = StringIO()
        arguments = validated.replace("%s", str(path)).split()
        self.assertEqual("trualias", arguments[0])
        self.assertEqual(0, run([*arguments[1:], "--strict"], Terminal(BytesIO(), output, output)), output.getvalue())
        self.assertIn("1 statement, 1 account, 1 expectation; no errors, no warnings", output.getvalue())
