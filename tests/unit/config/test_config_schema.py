"""The JSON Schema says what the model says."""

import jsonschema
import pytest
import yaml

from labgen.config import parse, schema
from labgen.config.schema import LabFile
from labgen.core.errors import LabFileError

GOOD = [
    "{}",
    "workers: 4",
    "name: 실습 1\nprovider: libvirt",
    "nodes: [{name: m, role: manager, address: 10.0.2.9}]",
    "network: 192.168.50.0/24\naddresses: {overlay_pool: 10.9.0.0/16, overlay_mask: 26}",
    "box: {name: a/b, version: '1', url: x.box}\nengine: {source: none}",
    f"box: {{name: a, url: x.box, checksum: 'sha256:{64 * 'A'}'}}",
    "box: {image: debian-13}",
    f"box: {{image: ubuntu-24.04, url: 'http://teacher/images/', checksum: '{128 * 'a'}'}}",
    "box: {url: x.box}",
    "registry: {mirror: 'http://192.168.0.10:5000'}",
    "ports: [{guest: 80, host: 8080, node: swarm-manager}]",
    "managers: null",
]
BAD = [
    "colour: red",
    "workers: two",
    "workers: -1",
    "workers: 1.5",
    "provider: vmware",
    "nodes: [{name: A, role: manager}]",
    "nodes: [{name: db, role: manager}]",
    "nodes: [{name: m}]",
    "nodes: [{name: localhost, role: manager}]",
    "nodes: [{name: ip6-x, role: manager}]",
    "box: {name: a, url: x.box, checksum: abc}",
    "nodes: [{name: m, role: boss}]",
    "nodes: {name: m}",
    "network: 10",
    "network: ten",
    "nodes: [{name: m, role: manager, address: ten}]",
    "box: {version: '1'}",
    "box: a",
    "memory: 1",
    "engine: {source: snap}",
    "ports: [{guest: 70000}]",
    "addresses: {overlay_mask: 40}",
    "addresses: {docker1: 10.0.0.0/24}",
]


@pytest.fixture(scope="module")
def validator():
    json_schema = schema()
    jsonschema.Draft202012Validator.check_schema(json_schema)
    return jsonschema.Draft202012Validator(json_schema)


@pytest.mark.parametrize("text", GOOD)
def test_schema_what_is_good_is_good_to_both(validator, text):
    parse(text)
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_schema_what_is_bad_is_bad_to_both(validator, text):
    with pytest.raises(LabFileError):
        parse(text)
    assert not validator.is_valid(yaml.safe_load(text))


def test_schema_every_key_is_described_for_the_editor():
    json_schema = schema()
    assert json_schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json_schema["title"] == "labgen lab.yml"
    assert set(json_schema["properties"]) == set(LabFile.model_fields)
    for name, entry in json_schema["properties"].items():
        assert entry.get("description") or "$ref" in entry or "anyOf" in entry, name
