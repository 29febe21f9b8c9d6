using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The base of the optimizers written in C#: parameter groups, and a state for each parameter by its handle.</summary>
public abstract class OptimizerHelper : optim.Optimizer
{
    protected OptimizerOptions _defaults;
    protected OrderedDict<IntPtr, OptimizerState> _state = new();

    public OptimizerHelper()
        : base(IntPtr.Zero)
    {
    }

    public override IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(group => group.Parameters);

    public override void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

    public override void zero_grad()
    {
        foreach (Parameter parameter in parameters())
        {
            ZeroGrad(parameter);
        }
    }

    /// <summary>The live options and states, not copies of them.</summary>
    public virtual StateDictionary state_dict()
    {
        StateDictionary result = new();
        foreach (ParamGroup group in _parameter_groups)
        {
            List<int> indices = new();
            foreach (Parameter parameter in group.Parameters)
            {
                indices.Add(result.State.Count);
                result.State.Add(_state[parameter.Handle]);
            }

            result.Options.Add(group.Options);
            result.StateIndexRef.Add(indices);
        }

        return result;
    }

    public virtual void load_state_dict(StateDictionary state_dict)
    {
        StateDictionary own = this.state_dict();
        CheckCounts(own, state_dict.Options.Count, state_dict.State.Count);
        for (int i = 0; i < own.Options.Count; i++)
        {
            if (!ReferenceEquals(own.Options[i], state_dict.Options[i]))
            {
                own.Options[i].LoadStateDict(state_dict.Options[i]);
            }
        }

        for (int i = 0; i < own.State.Count; i++)
        {
            if (!ReferenceEquals(own.State[i], state_dict.State[i]))
            {
                own.State[i].LoadStateDict(state_dict.State[i]);
            }
        }
    }

    public void save_state_dict(string location)
    {
        using FileStream stream = File.Create(location);
        using BinaryWriter writer = new(stream);
        save_state_dict(writer);
    }

    /// <summary>The optimizer's type name, the numbers of groups and states, then the groups' options and the states.</summary>
    public void save_state_dict(BinaryWriter writer)
    {
        StateDictionary own = state_dict();
        writer.Write(GetType().Name);
        writer.Write7BitEncodedInt64(own.Options.Count);
        writer.Write7BitEncodedInt64(own.State.Count);
        foreach (OptimizerOptions options in own.Options)
        {
            options.SaveStateDict(writer);
        }

        foreach (OptimizerState state in own.State)
        {
            state.SaveStateDict(writer);
        }
    }

    public void load_state_dict(string location)
    {
        using FileStream stream = File.OpenRead(location);
        using BinaryReader reader = new(stream);
        load_state_dict(reader);
    }

    public void load_state_dict(BinaryReader reader)
    {
        string saved = reader.ReadString();
        if (saved != GetType().Name)
        {
            throw new InvalidDataException($"The stream holds the state of '{saved}'; this optimizer is '{GetType().Name}'.");
        }

        StateDictionary own = state_dict();
        CheckCounts(own, reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64());
        foreach (OptimizerOptions options in own.Options)
        {
            options.LoadStateDict(reader);
        }

        foreach (OptimizerState state in own.State)
        {
            state.LoadStateDict(reader);
        }
    }

    public void to(Device device)
    {
        foreach (Parameter parameter in parameters())
        {
            _state[parameter.Handle].to(device);
        }
    }

    /// <summary>The loss is evaluated with gradients on, the update with gradients off and in a dispose scope of its own.</summary>
    protected Tensor _step<T>(Action<T> body, Func<Tensor> loss_closure = null)
        where T : ParamGroup
    {
        Tensor loss = null;
        if (loss_closure is not null)
        {
            using IDisposable withGrad = enable_grad();
            loss = loss_closure();
        }

        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (ParamGroup group in _parameter_groups)
        {
            body(group as T);
        }

        return loss;
    }

    /// <summary>The parameters of a group that have a gradient, with the gradient as a tensor that lives for this turn.</summary>
    private protected static IEnumerable<(Parameter Parameter, Tensor Grad)> WithGradients(ParamGroup group)
    {
        foreach (Parameter parameter in group.Parameters)
        {
            using Tensor grad = parameter.grad;
            if (grad is not null)
            {
                yield return (parameter, grad);
            }
        }
    }

    private protected void DisposeStates()
    {
        foreach (OptimizerState state in _state.values())
        {
            (state as IDisposable)?.Dispose();
        }

        _state.Clear();
    }

    private static void CheckCounts(StateDictionary own, long groups, long states)
    {
        if (groups != own.Options.Count)
        {
            throw new ArgumentException($"The state has {groups} parameter groups; the optimizer has {own.Options.Count}.");
        }

        if (states != own.State.Count)
        {
            throw new ArgumentException($"The state has {states} parameters; the optimizer has {own.State.Count}.");
        }
    }
}
