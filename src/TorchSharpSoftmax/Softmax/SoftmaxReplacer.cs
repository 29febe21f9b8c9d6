using System.Reflection;
using TorchSharp.Modules;
using TorchSharpSoftmax.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>One walk through a model that puts this library's modules where TorchSharp's softmax and log-softmax stand.</summary>
/// <remarks>It calls public members of TorchSharp only; by reflection it reads and writes the owners' fields and the hooks, which are protected.</remarks>
internal sealed class SoftmaxReplacer
{
    private const string NoDim = "its dim cannot be told: it gives no softmax of zeros";
    private const string Disposed = "it has been disposed";

    /// <summary>The four dictionaries of hooks of a module from tensor to tensor, whatever class it is of.</summary>
    private static readonly FieldInfo[] Hooks =
    [
        .. new[] { "pre_hooks", "post_hooks", "module_pre_hooks", "module_post_hooks" }
            .Select(name => typeof(nn.Module<Tensor, Tensor>).BaseType!.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)!),
    ];

    private readonly HashSet<nn.Module> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<nn.Module, nn.Module> _ours = new(ReferenceEqualityComparer.Instance);
    private readonly List<SoftmaxReplacement> _replaced = [];
    private readonly List<SoftmaxReplacement> _notReplaced = [];

    internal static SoftmaxReplacements Run(nn.Module model)
    {
        var walk = new SoftmaxReplacer();
        if (IsSoftmax(model))
        {
            walk._notReplaced.Add(new("", model, $"it is the model itself, which its holder must replace: nn.{OursFor(model).Name}(dim)"));
        }

        walk.Below(model, "");
        return new(walk._replaced, walk._notReplaced);
    }

    private static bool IsSoftmax(nn.Module module) => module is Softmax or LogSoftmax;

    private static Type OursFor(nn.Module theirs) => theirs is Softmax ? typeof(TwoPassSoftmax) : typeof(TwoPassLogSoftmax);

    private void Below(nn.Module owner, string path)
    {
        if (!_seen.Add(owner))
        {
            return;
        }

        foreach (var (name, child) in owner.named_children().ToList()) // a copy: what is listed changes on the way
        {
            string full = path.Length == 0 ? name : $"{path}.{name}";
            if (!IsSoftmax(child))
            {
                Below(child, full);
            }
            else if (Reason(owner, name, (nn.Module<Tensor, Tensor>)child) is { } reason)
            {
                _notReplaced.Add(new(full, child, reason));
            }
            else
            {
                _replaced.Add(new(full, _ours[child], reason: null));
            }
        }
    }

    /// <summary>Replaces one registration and all that the owner holds of the module; or changes nothing, and says why.</summary>
    private string? Reason(nn.Module owner, string name, nn.Module<Tensor, Tensor> theirs)
    {
        var places = ModulePlaces.Of(owner, theirs, _ours.GetValueOrDefault(theirs));
        if ((places.Refusal(OursFor(theirs)) ?? Make(theirs)) is { } reason)
        {
            return reason;
        }

        var ours = _ours[theirs];
        places.Put(ours);
        try
        {
            ModulePlaces.Register(owner, name, ours);
        }
        catch (Exception error)
        {
            places.Put(theirs);
            return $"{owner.GetName()} does not let it be replaced: {error.Message}";
        }

        return null;
    }

    /// <summary>Our module for theirs: one for all places of the same one, of the same dim and mode, with the same hooks. Or why there is none.</summary>
    private string? Make(nn.Module<Tensor, Tensor> theirs)
    {
        if (_ours.ContainsKey(theirs))
        {
            return null;
        }

        try
        {
            _ = theirs.training;
        }
        catch (ObjectDisposedException)
        {
            return Disposed;
        }

        if (DimOf(theirs) is not { } dim)
        {
            return NoDim;
        }

        nn.Module ours = theirs is Softmax ? new TwoPassSoftmax(dim) : new TwoPassLogSoftmax(dim);
        ours.train(theirs.training);
        foreach (FieldInfo hooks in Hooks)
        {
            hooks.SetValue(ours, hooks.GetValue(theirs)); // the very dictionaries: who registered a hook can still remove it
        }

        _ours.Add(theirs, ours);
        return null;
    }

    /// <summary>
    /// The dim, from what the module does: older TorchSharp shows it nowhere. Softmax of zeros is 1 / size of the dim, and all sizes differ. The least rank that the dim fits
    /// has it at one of its ends; whether it counts from the front or from the end, the next rank tells.
    /// </summary>
    private static long? DimOf(nn.Module<Tensor, Tensor> theirs)
    {
        const int most = 7;
        using var noGrad = no_grad();
        for (int rank = 1; rank <= most; rank++)
        {
            if (AxisOf(theirs, rank) is { } axis)
            {
                return AxisOf(theirs, rank + 1) == axis ? axis : axis - rank;
            }
        }

        return null;
    }

    private static int? AxisOf(nn.Module<Tensor, Tensor> theirs, int rank)
    {
        using var x = zeros([.. Enumerable.Range(2, rank).Select(size => (long)size)], ScalarType.Float32, CPU);
        try
        {
            using var y = theirs.forward(x);
            double first = ElementAccess.Values(y)[0];
            return (int)Math.Round(theirs is Softmax ? 1 / first : Math.Exp(-first)) - 2;
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return null; // of too low a rank
        }
    }
}
