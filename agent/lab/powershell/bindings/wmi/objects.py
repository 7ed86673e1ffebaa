"""Owns System.Management objects as PowerShell 2.0 shows them: instances, classes, what a method returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.wmi.bags import ManagementBaseObject, ParameterBag
from agent.lab.powershell.bindings.wmi.model import Call, Row, WmiClass, WmiMethod, from_cim_time
from agent.lab.powershell.bindings.wmi.wql import wmi_error
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember, method, prop
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.values import local_time

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


class ManagementObject(ManagementBaseObject):
    """One instance."""

    TYPE = "System.Management.ManagementObject"
    BASES = ("System.Management.ManagementBaseObject", *ManagementBaseObject.BASES)

    def __init__(self, engine: Engine, wmi_class: WmiClass, row: Mapping[str, Any]) -> None:
        """An instance of `wmi_class` as it was when asked for."""
        super().__init__(engine, wmi_class.name, row)
        self.wmi_class = wmi_class
        self.changes: Row = {}

    def system(self, name: str) -> Any:
        """Path, server and namespace besides."""
        machine = self.engine.machine.name
        match name:
            case "__RELPATH":
                return self.relative_path()
            case "__SERVER":
                return machine
            case "__NAMESPACE":
                return self.wmi_class.namespace
            case "__PATH":
                return f"\\\\{machine}\\{self.wmi_class.namespace}:{self.relative_path()}"
            case "__SUPERCLASS":
                return self.wmi_class.superclass
        return super().system(name)

    def relative_path(self) -> str:
        """`Class.Key="value"`; a class without keys has one instance, `@`."""
        if not self.wmi_class.keys:
            return f"{self.kind}=@"
        pairs = ",".join(f"{key}={_quoted(self.row[key])}" for key in self.wmi_class.keys)
        return f"{self.kind}.{pairs}"

    def ps_string(self) -> str:
        """The path."""
        return str(self.system("__PATH"))

    def ps_set(self, name: str, value: Any) -> None:
        """Change the copy; Put() writes it."""
        for key in self.row:
            if key.lower() == name.lower():
                self.row[key] = self.changes[key] = value
                return
        raise MissingMember(name)

    def ps_set_index(self, key: Any, value: Any) -> None:
        """`$object['Name'] = value`."""
        self.ps_index(key)
        self.ps_set(str(key), value)

    def ps_methods(self) -> list[str]:
        """The class's methods, then those PowerShell adds."""
        return [each.name for each in self.wmi_class.methods if not each.static] + super().ps_methods()

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """A method of the class, by position; then .NET's own."""
        found = self.wmi_class.method(name)
        if found is None or found.static:
            return super().ps_call(name, arguments)
        return call_method(self.engine, found, self.row, bind_positional(found, arguments))

    @method("Get")
    def get(self) -> None:
        """Read the instance again."""
        row = self._find()
        self.row, self.changes = dict(row), {}

    @method("Put")
    def put(self, _options: Any = None) -> ManagementPath:
        """Write what was changed."""
        if self.wmi_class.put is None:
            raise Refused(f"Put() on {self.kind}")
        self.wmi_class.put(self.engine, self.row, self.changes)
        self.changes = {}
        return ManagementPath(self)

    @method("InvokeMethod")
    def invoke_method(self, name: Any, arguments: Any = None, _options: Any = None) -> Any:
        """With an array of arguments, the return value alone; with a bag of parameters, the bag of results."""
        found = self.wmi_class.method(str(name))
        if found is None:
            raise wmi_error("MethodNotFound", "Invalid method ", -2147217324)
        if isinstance(arguments, ManagementBaseObject):
            given = {key.lower(): value for key, value in arguments.row.items()}
            return call_method(self.engine, found, self.row, given)
        positional = arguments if isinstance(arguments, list) else [] if arguments is None else [arguments]
        return call_method(self.engine, found, self.row, bind_positional(found, positional)).row.get("ReturnValue")

    @method("GetMethodParameters")
    def method_parameters(self, name: Any) -> ParameterBag:
        """An empty bag of the method's in parameters."""
        found = self.wmi_class.method(str(name))
        if found is None:
            raise wmi_error("MethodNotFound", "Invalid method ", -2147217324)
        return ParameterBag(self.engine, "__PARAMETERS", dict.fromkeys(found.inputs))

    @method("ConvertToDateTime")
    def to_date_time(self, text: Any) -> Any:
        """types.ps1xml: a CIM_DATETIME as a DateTime of the machine's zone."""
        return local_time(from_cim_time(str(text)))

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""

    @prop("Path")
    def path(self) -> ManagementPath:
        """The path; a property of the class named Path hides it."""
        return ManagementPath(self)

    @prop("ClassPath")
    def class_path(self) -> str:
        """The path of the class."""
        return f"\\\\{self.engine.machine.name}\\{self.wmi_class.namespace}:{self.kind}"

    def _find(self) -> Row:
        keys = self.wmi_class.keys
        for row in self.wmi_class.rows(self.engine):
            if all(row[key] == self.row[key] for key in keys):
                return row
        raise wmi_error("NotFound", "Not found ", -2147217406)


class ManagementPath(ClrObject):
    """`$object.Path` and what Put() returns."""

    TYPE = "System.Management.ManagementPath"

    def __init__(self, owner: ManagementObject) -> None:
        """The path of `owner`."""
        self.owner = owner

    @prop("Path")
    def path(self) -> Any:
        """The whole path."""
        return self.owner.system("__PATH")

    @prop("RelativePath")
    def relative_path(self) -> str:
        """Class and keys."""
        return self.owner.relative_path()

    @prop("ClassName")
    def class_name(self) -> str:
        """The class."""
        return self.owner.kind

    @prop("NamespacePath")
    def namespace_path(self) -> str:
        """The namespace."""
        return self.owner.wmi_class.namespace

    def ps_string(self) -> str:
        """The whole path."""
        return str(self.path())


class ManagementClass(ManagementObject):
    """`[wmiclass]'Win32_Process'`: static methods and instances."""

    TYPE = "System.Management.ManagementClass"
    BASES = ("System.Management.ManagementObject", *ManagementObject.BASES)
    GENUS = 1

    def __init__(self, engine: Engine, wmi_class: WmiClass) -> None:
        """The class itself."""
        super().__init__(engine, wmi_class, {})

    def relative_path(self) -> str:
        """The class's name."""
        return self.kind

    def ps_get(self, name: str) -> Any:
        """`Name` is what PowerShell 2.0 shows of a class."""
        return self.kind if name.lower() == "name" else super().ps_get(name)

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """Only static methods; the others need an instance."""
        found = self.wmi_class.method(name)
        if found is None:
            return super().ps_call(name, arguments)
        if not found.static:
            raise wmi_error("InvalidMethodParameters", "Invalid method Parameter(s) ", -2147217361)
        return call_method(self.engine, found, {}, bind_positional(found, arguments))

    @method("GetInstances")
    def instances(self) -> list[ManagementObject]:
        """Every instance."""
        return [ManagementObject(self.engine, self.wmi_class, row) for row in self.wmi_class.rows(self.engine)]

    @method("CreateInstance")
    def create_instance(self) -> ManagementObject:
        """Refused: no class of the lab is made by a script."""
        raise Refused(f"[wmiclass]'{self.kind}'.CreateInstance()")

    def ps_iterate(self) -> Iterator[Any] | None:
        """A class is a scalar."""
        return None


def bind_positional(found: WmiMethod, arguments: Sequence[Any]) -> dict[str, Any]:
    """Arguments in the order of the method's declaration; missing ones are not given."""
    if len(arguments) > len(found.inputs):
        raise ClrError(
            f'Cannot find an overload for "{found.name}" and the argument count: "{len(arguments)}".',
            "System.Management.Automation.MethodException",
        )
    return {name.lower(): value for name, value in zip(found.inputs, arguments, strict=False)}


def call_method(
    engine: Engine, found: WmiMethod, row: Mapping[str, Any], arguments: Mapping[str, Any]
) -> ManagementBaseObject:
    """Run a method and wrap its out parameters."""
    return ManagementBaseObject(engine, "__PARAMETERS", found.run(Call(engine, row, arguments)))


def _quoted(value: Any) -> str:
    if isinstance(value, int):
        return str(int(value))
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
