using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>One call with misused arguments, and what came of it.</summary>
internal static class MisuseCall
{
    /// <summary>The refusal, or null where there was none; a failure where it is none of those documented, or where something was left behind.</summary>
    internal static Exception? Of(MisuseEntry entry, bool wantsGradients, params ReadOnlySpan<Misuse> misuses)
    {
        var refusal = Once(entry, wantsGradients, misuses, out string? left);
        if (left is not null)
        {
            Live.Collect(); // what others left to the collector may have gone meanwhile
            Once(entry, wantsGradients, misuses, out left);
            Assert.True(left is null, left);
        }

        return refusal;
    }

    private static Exception? Once(MisuseEntry entry, bool wantsGradients, ReadOnlySpan<Misuse> misuses, out string? left)
    {
        string what = $"{entry}: {string.Join(", ", misuses.ToArray().Select(m => m.ToString()))}{(wantsGradients ? ", with gradients" : "")}";
        using var scope = NewDisposeScope();
        using var owner = new MisuseOwner();
        var (receiver, arguments) = entry.Draw(owner);
        if (entry.Parameters is [{ ParameterType: var type } function, ..] && typeof(Delegate).IsAssignableFrom(type) && function.Name == "func")
        {
            arguments[0] = MisuseSamples.FunctionOf(type);
        }

        foreach (var misuse in misuses)
        {
            arguments[misuse.Parameter.Position] = misuse.Of(arguments);
        }

        for (int i = 0; wantsGradients && i < arguments.Length; i++)
        {
            if (arguments[i] is Tensor { IsInvalid: false, requires_grad: false } x && x.is_floating_point() && entry.Parameters[i].Name != "out" && !entry.Method.Name.EndsWith('_'))
            {
                arguments[i] = x.detach().requires_grad_();
            }
        }

        ParkedGradients.Release();
        var before = (Live.Nodes, Tensor.TotalCount);
        Exception? refusal = null;
        bool makesModule = typeof(nn.Module).IsAssignableFrom(entry.Method.ReturnType);
        try
        {
            using var inner = makesModule ? NewDisposeScope() : null; // TorchSharp's layers leave temporaries to it
            Use(entry.Method.Invoke(receiver, arguments), arguments);
        }
        catch (TargetInvocationException error)
        {
            refusal = error.InnerException!;
            Assert.True(IsDocumented(entry, refusal, arguments), $"{what}: {refusal.GetType().Name}: {Diagnostics.Reason(refusal)}\n{refusal.StackTrace}");
        }

        ParkedGradients.Release();
        var after = (Live.Nodes, Tensor.TotalCount);
        left = before == after || makesModule // whose parameters leave to the collector the tensors that they were made of
            ? null : $"{what}: nodes and tensors were {before}, are {after}; {(refusal is null ? "it was served" : refusal.Message)}";
        return refusal;
    }

    /// <summary>Ours name the argument. What libtorch refuses is what no kernel of ours serves: other devices, layouts and dtypes.</summary>
    private static bool IsDocumented(MisuseEntry entry, Exception refusal, object?[] arguments) => refusal switch
    {
        ArgumentException { ParamName: { Length: > 0 } name } => refusal.Message.Contains($"'{name}", StringComparison.Ordinal),
        GradcheckException => entry.Method.Name.Contains("gradcheck", StringComparison.Ordinal),
        ExternalException => arguments.Any(IsLeftToLibtorch) || entry.Method.DeclaringType == typeof(Modules.MoE), // whose experts are the user's
        _ => false,
    };

    private static bool IsLeftToLibtorch(object? argument) => argument switch
    {
        Tensor { IsInvalid: false } x => x.device_type != DeviceType.CPU || x.is_sparse || !Dtype.IsServed(x.dtype),
        Tensor[] all => all.Any(x => IsLeftToLibtorch(x)),
        long.MaxValue => true, // a layer larger than any memory
        Device device => device.type != DeviceType.CPU,
        ScalarType dtype => !Dtype.IsServed(dtype),
        LinearCrossEntropyOptions options => IsLeftToLibtorch(options.token_weights) || IsLeftToLibtorch(options.target_probabilities),
        _ => false,
    };

    /// <summary>Goes back through what came out, and disposes it.</summary>
    private static void Use(object? result, object?[] arguments)
    {
        Tensor[] tensors = [.. Found(result).Where(x => !x.IsInvalid).DistinctBy(x => x.Handle)];
        try
        {
            foreach (var y in tensors.Where(y => y.requires_grad && y.device_type == DeviceType.CPU && !y.is_sparse && y.is_floating_point()))
            {
                using var ones = ones_like(y);
                autograd.backward(y, ones, retain_graph: true);
            }
        }
        catch (ExternalException)
        {
            _ = Diagnostics.TakeBackwardError(); // catchable, which is all that is asked of what libtorch refuses
        }

        foreach (var y in tensors.Where(y => !Array.Exists(arguments, argument => ReferenceEquals(argument, y))))
        {
            y.Dispose();
        }

        if (result is not Tensor)
        {
            (result as IDisposable)?.Dispose();
        }
    }

    private static IEnumerable<Tensor> Found(object? result) => result switch
    {
        null or string => [],
        Tensor x => [x],
        nn.Module module => module.parameters(),
        IEnumerable several => several.Cast<object?>().SelectMany(Found),
        RoutingOutputs or LinearCrossEntropyOutputs or MoEOutputs or ExpertPermutation =>
            result.GetType().GetProperties().Where(p => p.PropertyType == typeof(Tensor) || p.PropertyType == typeof(RoutingOutputs)).SelectMany(p => Found(p.GetValue(result))),
        _ => [],
    };
}
