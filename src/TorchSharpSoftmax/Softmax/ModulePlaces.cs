using System.Collections;
using System.Reflection;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Where a module's owner holds it: in fields of its own, in arrays and lists that fields hold, or, being a dictionary of modules, in itself.</summary>
/// <remarks>TorchSharp's own containers hold their modules in such lists, so they need no rule of their own.</remarks>
internal sealed class ModulePlaces
{
    private readonly nn.Module _owner;
    private readonly List<(string Name, Type Takes, Action<nn.Module> Put)> _places = [];
    private bool _holdsOurs;

    private ModulePlaces(nn.Module owner) => _owner = owner;

    /// <summary>The places of one module; another that has replaced it elsewhere counts as held, too.</summary>
    internal static ModulePlaces Of(nn.Module owner, nn.Module theirs, nn.Module? ours)
    {
        var places = new ModulePlaces(owner);
        for (Type? type = owner.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            {
                places.AddField(field, theirs, ours);
            }
        }

        places.AddKeys<nn.Module>(theirs, ours);
        places.AddKeys<nn.Module<Tensor, Tensor>>(theirs, ours);
        return places;
    }

    /// <summary>Why a module of this type cannot stand there; null where it can.</summary>
    internal string? Refusal(Type ours)
    {
        foreach (var (name, takes, _) in _places)
        {
            if (!takes.IsAssignableFrom(ours))
            {
                return $"{name} of {_owner.GetName()} takes {Text(takes)}; Module<Tensor, Tensor> would take {ours.Name} too";
            }
        }

        return _places.Count > 0 || _holdsOurs ? null : $"{_owner.GetName()} has it in no field, list or dictionary that can be written, so what calls it is not known";
    }

    internal void Put(nn.Module module)
    {
        foreach (var place in _places)
        {
            place.Put(module);
        }
    }

    /// <summary>Registers another module under a name that is taken, in the same place of the order. Where it throws, all is as before.</summary>
    internal static void Register(nn.Module owner, string name, nn.Module module)
    {
        List<(string Name, nn.Module Module)> before = [.. owner.named_children()];
        int at = before.FindIndex(child => child.Name == name);
        if (ReferenceEquals(before[at].Module, module))
        {
            return; // a container that lists what it holds
        }

        List<(string Name, nn.Module Module)> after = [.. before];
        after[at] = (name, module);
        try
        {
            owner.register_module(name, null!); // takes the name away
            if (owner.named_children().Any(child => child.name == name))
            {
                throw new InvalidOperationException($"'{name}' is listed by something else than its registration.");
            }

            Reorder(owner, after, at);
        }
        catch when (!Lists(owner, before))
        {
            Reorder(owner, before, at);
            throw;
        }
    }

    /// <summary>What is registered comes in the order of registration, so all that follows is registered again.</summary>
    private static void Reorder(nn.Module owner, List<(string Name, nn.Module Module)> children, int from)
    {
        HashSet<string> listed = [.. owner.named_children().Select(child => child.name)];
        foreach (var (name, _) in children.Skip(from).Where(child => listed.Contains(child.Name)))
        {
            owner.register_module(name, null!);
        }

        foreach (var (name, module) in children.Skip(from))
        {
            owner.register_module(name, module);
        }
    }

    private static bool Lists(nn.Module owner, List<(string Name, nn.Module Module)> children) =>
        owner.named_children().Select(child => child.module).SequenceEqual(children.Select(child => child.Module), ReferenceEqualityComparer.Instance);

    private void AddField(FieldInfo field, nn.Module theirs, nn.Module? ours)
    {
        object? value = field.GetValue(_owner);
        string name = field.Name.StartsWith('<') ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name; // of a property
        if (ReferenceEquals(value, theirs))
        {
            _places.Add(($"'{name}'", field.FieldType, module => field.SetValue(_owner, module)));
        }
        else if (ours is not null && ReferenceEquals(value, ours))
        {
            _holdsOurs = true;
        }
        else if (value is IList list && ElementOf(value.GetType()) is { } element && element.IsInstanceOfType(theirs))
        {
            for (int i = 0; i < list.Count; i++)
            {
                int index = i;
                _holdsOurs |= ours is not null && ReferenceEquals(list[i], ours);
                if (ReferenceEquals(list[i], theirs))
                {
                    _places.Add(($"'{name}'", element, module => list[index] = module));
                }
            }
        }
    }

    private void AddKeys<TModule>(nn.Module theirs, nn.Module? ours) where TModule : nn.Module
    {
        if (_owner is IDictionary<string, TModule> modules)
        {
            foreach (string key in modules.Keys.ToList())
            {
                _holdsOurs |= ours is not null && ReferenceEquals(modules[key], ours);
                if (ReferenceEquals(modules[key], theirs))
                {
                    _places.Add(($"'{key}'", typeof(TModule), module => modules[key] = (TModule)module));
                }
            }
        }
    }

    private static Type? ElementOf(Type list) =>
        list.IsArray ? (list.GetArrayRank() == 1 ? list.GetElementType() : null)
        : list.IsGenericType && list.GetGenericTypeDefinition() == typeof(List<>) ? list.GenericTypeArguments[0]
        : null;

    private static string Text(Type type) =>
        type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GenericTypeArguments.Select(Text))}>" : type.Name;
}
