"""A harvester as OAI-PMH 2.0 describes it, of few words and no mercy."""

import xml.etree.ElementTree as ElementTree

OAI = "{http://www.openarchives.org/OAI/2.0/}"
RI = "{http://www.ivoa.net/xml/RegistryInterface/v1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Harvester:
    """Asks an address for records, and follows resumption tokens.

    Parameters
    ----------
    send : callable
        Takes arguments, and returns the answer of the server.
    """

    def __init__(self, send):
        self.send = send

    def ask(self, **arguments):
        """Return the answer as a document; `from_` is `from`."""
        answer = self.send({name.rstrip("_"): value for name, value in arguments.items()})
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
        root = ElementTree.fromstring(answer.content)
        assert root.tag == f"{OAI}OAI-PMH"
        return root

    def error(self, **arguments):
        """Return the code of the error that the answer is."""
        found = self.ask(**arguments).findall(f"{OAI}error")
        assert len(found) == 1
        assert found[0].text.strip()
        return found[0].get("code")

    def pages(self, verb, between=lambda: None, **arguments):
        """Yield the answers of a list, one after the other; something may happen in between."""
        root = self.ask(verb=verb, **arguments)
        while True:
            assert root.find(f"{OAI}error") is None, ElementTree.tostring(root)
            yield root
            token = root.find(f"{OAI}{verb}/{OAI}resumptionToken")
            if token is None or not token.text:
                return
            between()
            root = self.ask(verb=verb, resumptionToken=token.text)

    def identifiers(self, verb="ListIdentifiers", metadataPrefix="ivo_vor", **arguments):
        """Return all identifiers of a list, as they come."""
        return [
            element.text
            for page in self.pages(verb, metadataPrefix=metadataPrefix, **arguments)
            for element in page.iter(f"{OAI}identifier")
        ]

    def record(self, identifier):
        """Return what a record says."""
        root = self.ask(verb="GetRecord", metadataPrefix="ivo_vor", identifier=identifier)
        return root.find(f".//{RI}Resource")
