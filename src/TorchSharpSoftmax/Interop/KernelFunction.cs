using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What one application of a function has: its options, and what lives until TorchSharp has taken it.</summary>
internal sealed class FunctionCall<TOptions>(TOptions options, bool[] wanted)
{
    internal TOptions Options { get; } = options;

    /// <summary>Which inputs required grad.</summary>
    internal bool[] Wanted { get; } = wanted;

    internal List<Tensor> Saved { get; } = [];

    internal Tensor? Output { get; set; }
}

/// <summary>
/// A custom function with one output, safe on the real TorchSharp. An operator writes three things: a static, typed <c>Apply</c> that checks its arguments and calls
/// <see cref="Run"/>, a <see cref="Forward"/> and a <see cref="Backward"/>; it never meets the context, and never calls <c>apply</c>.
/// </summary>
/// <remarks>
/// The lifetime rules live here once. The forward body runs before the graph node exists, because a forward that throws would leave its node in a static list for
/// ever. Tensors whose raw handles TorchSharp reads are held until it has, then disposed, because its nodes would keep them otherwise. An exception in backward would
/// end the process, so it becomes a gradient that the engine refuses; see <see cref="Diagnostics.TakeBackwardError"/>. An undefined gradient counts as zero.
/// </remarks>
/// <typeparam name="TSelf">The operator's function.</typeparam>
/// <typeparam name="TOptions">Its arguments that are no tensors.</typeparam>
internal abstract class KernelFunction<TSelf, TOptions> : autograd.SingleTensorFunction<TSelf>
    where TSelf : KernelFunction<TSelf, TOptions>, new()
{
    private const string CallKey = "call";

    /// <summary>Elements from which a leaf goes through a view of itself.</summary>
    /// <remarks>The engine copies a gradient that managed code also holds; what a view's node makes of it is the engine's alone, and becomes the leaf's <c>grad</c> as it is.</remarks>
    private const long LargeLeaf = 1 << 16;

    private static readonly TSelf Rule = new();

    public sealed override string Name => typeof(TSelf).Name;

    /// <summary>Whether the output is another tensor over the first input's memory: libtorch takes such a one from the leaf itself, not from a view of it.</summary>
    protected virtual bool GivesItsInput => false;

    /// <summary>The output, a fresh tensor unless <see cref="GivesItsInput"/>. Grad mode is off.</summary>
    /// <param name="inputs">As given to <see cref="Run"/>; keep alive those whose pointers are taken.</param>
    /// <param name="options">As given to <see cref="Run"/>.</param>
    /// <param name="saved">What <see cref="Backward"/> will get: inputs, the output, other fresh tensors. Null where there will be no backward.</param>
    protected abstract Tensor Forward(ReadOnlySpan<Tensor> inputs, TOptions options, List<Tensor>? saved);

    /// <summary>Fills in the gradients. Grad mode is on under <c>create_graph</c>: call other functions' <c>Apply</c> or tensor operators, never a bare kernel.</summary>
    /// <param name="gradient">The output's gradient, of any strides.</param>
    /// <param name="saved">What <see cref="Forward"/> saved. They and <paramref name="gradient"/> are disposed afterwards.</param>
    /// <param name="options">As given to <see cref="Run"/>.</param>
    /// <param name="gradients">One place per input; what is put there may become a leaf's <c>grad</c>, which its owner changes in place: memory that nothing else reads.</param>
    protected abstract void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, TOptions options, Gradients gradients);

    /// <summary>The output, with a node in the graph only where somebody can ask for a gradient.</summary>
    protected static Tensor Run(TOptions options, params ReadOnlySpan<Tensor> inputs)
    {
        ParkedGradients.Release();
        if (!AnyRequiresGrad(inputs) || !is_grad_enabled())
        {
            return Rule.Forward(inputs, options, saved: null);
        }

        var wanted = new bool[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            wanted[i] = inputs[i].requires_grad;
        }

        var call = new FunctionCall<TOptions>(options, wanted);
        var arguments = new object[inputs.Length + 1];
        arguments[^1] = call;
        try
        {
            using (no_grad())
            {
                call.Output = Rule.Forward(inputs, options, call.Saved);
            }

            for (int i = 0; i < inputs.Length; i++)
            {
                arguments[i] = wanted[i] && !Rule.GivesItsInput && inputs[i].numel() >= LargeLeaf && inputs[i].is_leaf ? inputs[i].view_as(inputs[i]) : inputs[i];
            }

            return apply(arguments);
        }
        finally
        {
            LetGo(call, inputs, arguments);
        }
    }

    /// <summary>Hands over what <see cref="Run"/> has computed: nothing here can throw.</summary>
    public sealed override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (FunctionCall<TOptions>)vars[^1];
        ctx.set_materialize_grads(false); // materialised zeros would come from tensors in the caller's dispose scope
        ctx.save_data(CallKey, call);
        ctx.save_for_backward(call.Saved);
        return call.Output!;
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (FunctionCall<TOptions>)ctx.get_data(CallKey);
        var gradients = new Tensor?[call.Wanted.Length];
        List<Tensor?> returned;
        try
        {
            ParkedGradients.Release();
            if (grad_output is { IsInvalid: false })
            {
                Differentiate(ctx, call, grad_output, gradients);
            }

            returned = [.. gradients, null];
        }
        catch (Exception error)
        {
            returned = Refused(error, gradients.Length);
        }

        ParkedGradients.Hold(returned);
        return returned!;
    }

    private void Differentiate(autograd.AutogradContext ctx, FunctionCall<TOptions> call, Tensor gradient, Tensor?[] gradients)
    {
        List<Tensor> saved = [];
        try
        {
            saved = ctx.get_saved_variables();
            Backward(gradient, saved, call.Options, new(gradients, call.Wanted));
            for (int i = 0; i < gradients.Length; i++)
            {
                if (gradients[i] is { IsInvalid: true }) // TorchSharp would take it for a zero gradient, silently
                {
                    throw new InvalidOperationException($"The gradient of input {i} was disposed before {Name} returned it.");
                }
            }
        }
        catch
        {
            foreach (var unused in gradients)
            {
                unused?.Dispose();
            }

            throw;
        }
        finally
        {
            // TorchSharp made these wrappers for this call and forgets them: undisposed, their memory waits for the finalizer.
            foreach (var tensor in saved)
            {
                DisposeUnlessReturned(tensor, gradients);
            }

            DisposeUnlessReturned(gradient, gradients);
        }
    }

    private List<Tensor?> Refused(Exception error, int inputs)
    {
        Diagnostics.KeepBackwardError(error);
        try
        {
            Diagnostics.Warn($"{Name}.{error.GetType()}", $"{Name} failed in backward: {Diagnostics.Reason(error)} The engine's error comes from the gradient that stands for it.");
        }
        catch (Exception)
        {
            // a listener's own failure must not leave backward either: the process would end
        }

        var refused = new List<Tensor?>();
        for (int i = 0; i < inputs; i++)
        {
            refused.Add(zeros(Array.Empty<long>(), ScalarType.ComplexFloat32, CPU)); // no real tensor's gradient: wrong in shape, or in type
        }

        refused.Add(null);
        return refused;
    }

    private static bool AnyRequiresGrad(ReadOnlySpan<Tensor> inputs)
    {
        foreach (var input in inputs)
        {
            if (input.requires_grad)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>After apply: the graph has its own references now. Whatever is not the caller's goes.</summary>
    private static void LetGo(FunctionCall<TOptions> call, ReadOnlySpan<Tensor> inputs, object[] arguments)
    {
        foreach (var tensor in call.Saved)
        {
            if (!Holds(inputs, tensor))
            {
                tensor.Dispose();
            }
        }

        call.Saved.Clear(); // the context holds this very list for the node's life
        call.Output?.Dispose();
        call.Output = null;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (arguments[i] is Tensor given && !ReferenceEquals(given, inputs[i]))
            {
                given.Dispose();
            }

            GC.KeepAlive(inputs[i]);
        }
    }

    private static void DisposeUnlessReturned(Tensor? tensor, Tensor?[] gradients)
    {
        if (tensor is not null && !Holds(gradients, tensor))
        {
            tensor.Dispose();
        }
    }

    /// <summary>By reference: a tensor's own Equals compares values.</summary>
    private static bool Holds(ReadOnlySpan<Tensor?> tensors, Tensor tensor)
    {
        foreach (var held in tensors)
        {
            if (ReferenceEquals(held, tensor))
            {
                return true;
            }
        }

        return false;
    }
}
